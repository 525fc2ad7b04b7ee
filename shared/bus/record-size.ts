import { AppError } from '../domain/errors.ts';
import { MAX_RECORD_BYTES, type OutgoingRecord } from './bus.ts';

/** Kafka's record batch around a record that travels alone. */
const BATCH_BYTES = 61;
/** Lengths, attributes and deltas of one record, and of one header, at their longest. */
const RECORD_BYTES = 36;
const HEADER_BYTES = 8;

/**
 * Bytes of a record as the limit counts them: key, header names, header values (all UTF-8) and value, and the frame that Kafka puts around them at its
 * largest. A record within the limit is one that a broker takes.
 */
export function recordBytes(record: Pick<OutgoingRecord, 'key' | 'headers' | 'value'>): number {
  let bytes = BATCH_BYTES + RECORD_BYTES + Buffer.byteLength(record.key) + (record.value?.byteLength ?? 0);
  for (const name in record.headers) bytes += HEADER_BYTES + Buffer.byteLength(name) + Buffer.byteLength(record.headers[name] ?? '');
  return bytes;
}

/** Throws `payload_too_large` for a record above `MAX_RECORD_BYTES`. */
export function checkRecordSize(record: OutgoingRecord): void {
  const bytes = recordBytes(record);
  if (bytes <= MAX_RECORD_BYTES) return;
  throw new AppError(
    'payload_too_large',
    `A record for ${record.topic} (key ${record.key.slice(0, 80)}) has ${bytes} bytes; the bus takes at most ${MAX_RECORD_BYTES}. Send it in smaller batches.`,
    { topic: record.topic, bytes, limit: MAX_RECORD_BYTES },
  );
}
