import type { ErrorCode } from '../domain/errors.ts';
import { AppError, ERROR_MEANINGS, toAppError } from '../domain/errors.ts';
import { deadLetterTopic } from '../events/topics.ts';
import { type Bus, type BusRecord, MAX_RECORD_BYTES, type OutgoingRecord, type RecordPosition } from './bus.ts';
import { recordBytes } from './record-size.ts';

/** Headers that a dead letter has beside those of its record. All values are text. */
export const DEAD_LETTER_HEADERS = {
  code: 'dlq_code',
  cause: 'dlq_cause',
  group: 'dlq_group',
  topic: 'dlq_topic',
  partition: 'dlq_partition',
  offset: 'dlq_offset',
  timestamp: 'dlq_timestamp',
  /** Index of the one row that failed; absent where the whole event did. */
  row: 'dlq_row',
  /** Present where the origin had no key: a dead letter has one, to be placed by it. */
  keyless: 'dlq_keyless',
  /** Why the value is not in the letter: `null` (the origin had none) or `too-large` (it stands in the origin topic alone). */
  valueless: 'dlq_valueless',
  /** Only in a marker: the offset of the letter that was replayed. */
  replayed: 'dlq_replayed',
} as const;

/** Most UTF-16 units of the cause that are kept (Knative keeps 1,024 bytes of an error). */
const MAX_CAUSE_LENGTH = 1_024;

/** Why a record could not be handled, and by whom. */
export interface DeadLetterFailure {
  readonly error: unknown;
  /** The consumer group whose handler failed: a replay goes to it alone. */
  readonly group: string;
  /** Set where one row failed alone: its index, and the record that a replay hands over (the same event with this row only). */
  readonly row?: { readonly index: number; readonly record?: Pick<OutgoingRecord, 'headers' | 'value'> };
}

/** A dead letter as it is read back. */
export interface DeadLetter {
  /** Where the letter itself stands. */
  readonly position: RecordPosition;
  readonly code: ErrorCode;
  readonly cause: string;
  readonly group: string;
  readonly row?: number;
  /** True once a replay handled it. */
  readonly replayed: boolean;
  /** The record as the handler saw it, with its own topic, partition, offset and timestamp. For a row: the event with this row alone. */
  readonly record: BusRecord;
  /** True where the record was too large to be kept whole: `record.value` is null here and a replay reads it from the origin topic. */
  readonly valueOmitted: boolean;
}

/**
 * The record for `<topic>.dlq`: headers, key and value as they were, so that it lands in the same partition (a dead-letter topic has as many as its
 * origin), and headers for code, cause, origin and group. A value that no longer fits beside them is left out and said so.
 */
export function buildDeadLetter(record: BusRecord, failure: DeadLetterFailure): OutgoingRecord {
  const { code, message } = toAppError(failure.error);
  const { headers, value } = failure.row?.record ?? record;
  const names = DEAD_LETTER_HEADERS;
  const letter: OutgoingRecord = {
    topic: deadLetterTopic(record.topic),
    key: record.key ?? '',
    headers: {
      ...headers,
      [names.code]: code,
      [names.cause]: message.slice(0, MAX_CAUSE_LENGTH).toWellFormed(),
      [names.group]: failure.group,
      [names.topic]: record.topic,
      [names.partition]: String(record.partition),
      [names.offset]: String(record.offset),
      [names.timestamp]: String(record.timestamp),
      ...(failure.row === undefined ? {} : { [names.row]: String(failure.row.index) }),
      ...(record.key === null ? { [names.keyless]: 'true' } : {}),
      ...(value === null ? { [names.valueless]: 'null' } : {}),
    },
    value,
  };
  if (value === null || recordBytes(letter) <= MAX_RECORD_BYTES) return letter;
  return { ...letter, headers: { ...letter.headers, [names.valueless]: 'too-large' }, value: null };
}

/** Reads a record of a dead-letter topic. Undefined for what is not a letter: a marker of a replay, or something that others put there. */
export function parseDeadLetter(record: BusRecord): Omit<DeadLetter, 'replayed'> | undefined {
  const names = DEAD_LETTER_HEADERS;
  const code = record.headers[names.code];
  const group = record.headers[names.group];
  const topic = record.headers[names.topic];
  const partition = wholeNumber(record.headers[names.partition]);
  const offset = wholeNumber(record.headers[names.offset]);
  if (!isErrorCode(code) || group === undefined || topic === undefined || partition === undefined || offset === undefined) return undefined;
  const row = wholeNumber(record.headers[names.row]);
  const valueless = record.headers[names.valueless];
  return {
    position: { topic: record.topic, partition: record.partition, offset: record.offset },
    code,
    cause: record.headers[names.cause] ?? '',
    group,
    ...(row === undefined ? {} : { row }),
    valueOmitted: valueless === 'too-large',
    record: {
      topic,
      partition,
      offset,
      timestamp: wholeNumber(record.headers[names.timestamp]) ?? record.timestamp,
      key: record.headers[names.keyless] === undefined ? record.key : null,
      headers: Object.fromEntries(Object.entries(record.headers).filter(([name]) => !OWN_NAMES.has(name))),
      value: valueless === undefined ? record.value : null,
    },
  };
}

/** The dead letters of `topic` (the origin's name), partition by partition in order, up to the end of now. Throws `not_found` for an unknown topic. */
export async function* readDeadLetters(
  bus: Bus,
  topic: string,
  options: { readonly group?: string; readonly signal?: AbortSignal } = {},
): AsyncGenerator<DeadLetter> {
  const replayed = await readMarkers(bus, topic, options.signal);
  // An aborted read ends early without a word: what it did not see must not count as not replayed.
  options.signal?.throwIfAborted();
  for await (const records of readAll(bus, deadLetterTopic(topic), options.signal)) {
    for (const record of records) {
      const letter = parseDeadLetter(record);
      if (letter === undefined || (options.group !== undefined && letter.group !== options.group)) continue;
      yield { ...letter, replayed: replayed.has(place(record.partition, record.offset)) };
    }
  }
}

/** What became of a replay. */
export interface ReplayResult {
  readonly replayed: number;
  /** Letters whose handler failed again: they stay, and come again with the next replay. */
  readonly failed: readonly { readonly letter: DeadLetter; readonly error: unknown }[];
}

/**
 * Feeds the dead letters of `topic` that `group` left (all of them, or those that `select` takes) to `handle`, the handler that failed; never to the topic,
 * where every other group would meet them again. A letter counts as replayed when `handle` resolved: a marker behind it in the dead-letter topic makes
 * that durable, and no later replay repeats it (a crash between the two does, once). Throws `not_found` for an unknown topic,
 * and the signal's reason when it aborts.
 */
export async function replayDeadLetters(options: {
  readonly bus: Bus;
  readonly topic: string;
  readonly group: string;
  readonly handle: (record: BusRecord, letter: DeadLetter) => Promise<void>;
  readonly select?: (letter: DeadLetter) => boolean;
  readonly signal?: AbortSignal;
}): Promise<ReplayResult> {
  const { bus, topic, group, handle, select = () => true, signal } = options;
  const failed: { letter: DeadLetter; error: unknown }[] = [];
  let replayed = 0;
  for await (const letter of readDeadLetters(bus, topic, { group, ...(signal === undefined ? {} : { signal }) })) {
    if (letter.replayed || !select(letter)) continue;
    signal?.throwIfAborted();
    try {
      await handle(letter.valueOmitted ? await readOrigin(bus, letter.record) : letter.record, letter);
    } catch (error) {
      failed.push({ letter, error });
      continue;
    }
    await bus.publish([markerOf(letter)]);
    replayed += 1;
  }
  signal?.throwIfAborted();
  return { replayed, failed };
}

const OWN_NAMES: ReadonlySet<string> = new Set(Object.values(DEAD_LETTER_HEADERS));

/** The marker has the letter's key, so it stands in the letter's partition, behind it. */
function markerOf({ position, record, group }: DeadLetter): OutgoingRecord {
  const headers = { [DEAD_LETTER_HEADERS.replayed]: String(position.offset), [DEAD_LETTER_HEADERS.group]: group };
  return { topic: position.topic, key: record.key ?? '', headers, value: null };
}

async function readMarkers(bus: Bus, topic: string, signal: AbortSignal | undefined): Promise<ReadonlySet<string>> {
  const replayed = new Set<string>();
  for await (const records of readAll(bus, deadLetterTopic(topic), signal)) {
    for (const { partition, headers } of records) {
      const offset = wholeNumber(headers[DEAD_LETTER_HEADERS.replayed]);
      if (offset !== undefined) replayed.add(place(partition, offset));
    }
  }
  return replayed;
}

async function readOrigin(bus: Bus, { topic, partition, offset, headers }: BusRecord): Promise<BusRecord> {
  for await (const [record] of bus.read({ topic, partitions: [partition], from: { [partition]: offset }, untilEnd: true })) {
    if (record?.offset === offset) return { ...record, headers };
    break;
  }
  throw new AppError(
    'not_found',
    `The record at ${topic}/${partition}/${offset} was too large for its dead letter and is no longer in its topic: fetch its data again from the source.`,
    { topic, partition, offset },
  );
}

function readAll(bus: Bus, topic: string, signal: AbortSignal | undefined): AsyncIterable<readonly BusRecord[]> {
  return bus.read({ topic, from: 'earliest', untilEnd: true, ...(signal === undefined ? {} : { signal }) });
}

function place(partition: number, offset: number): string {
  return `${partition}/${offset}`;
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function isErrorCode(text: string | undefined): text is ErrorCode {
  return text !== undefined && Object.hasOwn(ERROR_MEANINGS, text);
}
