import type { BusRecord, OutgoingRecord } from '../bus.ts';

/**
 * A record as the log stores it, little-endian: frame length u32, append time f64 (epoch ms), key length i32 (-1: null), headers length u32, value length
 * i32 (-1: null), then key, headers (JSON) and value. Frames stand one behind the other; offsets are counted, not stored.
 */
const HEAD_BYTES = 24;

/** A record whose texts are measured once: for the partition, for the size and for the frame. */
export interface PreparedRecord {
  readonly key: Buffer;
  readonly headers: string;
  readonly headerBytes: number;
  readonly value: Uint8Array | null;
  readonly frameBytes: number;
}

/** Measures a record's texts. */
export function prepareRecord({ key, headers, value }: Pick<OutgoingRecord, 'key' | 'headers' | 'value'>): PreparedRecord {
  const keyBytes = Buffer.from(key);
  const text = JSON.stringify(headers);
  const headerBytes = Buffer.byteLength(text);
  return {
    key: keyBytes,
    headers: text,
    headerBytes,
    value,
    frameBytes: HEAD_BYTES + keyBytes.length + headerBytes + (value?.byteLength ?? 0),
  };
}

/** Writes the record's frame at `at`; returns the place behind it. */
export function writeFrame(target: Buffer, at: number, record: PreparedRecord, timestamp: number): number {
  target.writeUInt32LE(record.frameBytes, at);
  target.writeDoubleLE(timestamp, at + 4);
  target.writeInt32LE(record.key.length, at + 12);
  target.writeUInt32LE(record.headerBytes, at + 16);
  target.writeInt32LE(record.value?.byteLength ?? -1, at + 20);
  let place = at + HEAD_BYTES;
  target.set(record.key, place);
  place += record.key.length;
  target.write(record.headers, place);
  place += record.headerBytes;
  if (record.value !== null) target.set(record.value, place);
  return at + record.frameBytes;
}

/** Length of the frame at `at`. */
export function frameBytesAt(source: Buffer, at: number): number {
  return source.readUInt32LE(at);
}

/** Reads the frame at `at`. The value is a view of `source`, not a copy. */
export function readFrame(source: Buffer, at: number, topic: string, partition: number, offset: number): BusRecord {
  const timestamp = source.readDoubleLE(at + 4);
  const keyBytes = source.readInt32LE(at + 12);
  const headerBytes = source.readUInt32LE(at + 16);
  const valueBytes = source.readInt32LE(at + 20);
  const keyAt = at + HEAD_BYTES;
  const headersAt = keyAt + Math.max(0, keyBytes);
  const valueAt = headersAt + headerBytes;
  return {
    topic,
    partition,
    offset,
    timestamp,
    key: keyBytes < 0 ? null : source.toString('utf8', keyAt, headersAt),
    headers: JSON.parse(source.toString('utf8', headersAt, valueAt)) as Record<string, string>,
    value: valueBytes < 0 ? null : new Uint8Array(source.buffer, source.byteOffset + valueAt, valueBytes),
  };
}
