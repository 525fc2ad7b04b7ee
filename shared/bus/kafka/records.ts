import type { IHeaders } from 'kafkajs';
import type { BusRecord, TopicPartition } from '../bus.ts';

/** A message as kafkajs decodes it, from a batch or from a bare fetch. */
export interface FetchedMessage {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: IHeaders | undefined;
  /** The end of a transaction, not a record of anybody's. */
  readonly isControlRecord?: boolean;
}

/** A fetched message as the bus hands it over. Of a header that is there several times the last one counts. */
export function toRecord({ topic, partition }: TopicPartition, message: FetchedMessage): BusRecord {
  const headers: Record<string, string> = {};
  for (const name in message.headers) {
    const value = message.headers[name];
    const last = Array.isArray(value) ? value.at(-1) : value;
    headers[name] = last === undefined || last === null ? '' : last.toString();
  }
  return {
    topic,
    partition,
    offset: Number(message.offset),
    timestamp: Number(message.timestamp),
    key: message.key === null ? null : message.key.toString(),
    headers,
    value: message.value,
  };
}

/** Bytes of a record as batches count them: key, headers and value. */
export function bytesOf({ key, headers, value }: Pick<BusRecord, 'key' | 'headers' | 'value'>): number {
  let bytes = (key?.length ?? 0) + (value?.byteLength ?? 0);
  for (const name in headers) bytes += name.length + (headers[name]?.length ?? 0);
  return bytes;
}
