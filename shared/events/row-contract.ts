import { z } from 'zod';
import { INTERVALS, type Interval } from '../domain/interval.ts';
import { checkRow, type RowFault } from '../domain/row-check.ts';
import { rowKey } from '../domain/row-key.ts';
import { ORIGINS, type Origin, type Row } from '../domain/rows.ts';
import { EXCHANGES, type ExchangeName, type Kind, type Series, seriesId } from '../domain/series.ts';
import { contentHash } from './content-hash.ts';
import type { EventContract } from './contract.ts';
import { envelope, eventType } from './define-contract.ts';
import type { StreamEvent } from './event.ts';
import { checkFields } from './field-problems.ts';
import { epochMs, symbolText } from './fields.ts';
import { splitRowsData, writeRowsData } from './rows-data.ts';
import { receivedBytes, rememberBytes } from './serialised-data.ts';
import { rowsTopic } from './topics.ts';

/** Most rows of one event. */
export const MAX_ROWS = 1_000;

/** A micro-batch: rows of one series, in order, from one answer or frame. `received_at` is epoch ms by the receiver's clock. */
export interface RowsData<R extends Row = Row> {
  readonly exchange: ExchangeName;
  readonly symbol: string;
  /** Candles and bars only. */
  readonly interval?: Interval;
  readonly origin: Origin;
  readonly received_at: number;
  readonly rows: readonly R[];
}

/** A row that failed its checks: it alone goes to the dead letters. `index` is its place in the event. */
export interface RefusedEventRow extends RowFault {
  readonly index: number;
  readonly row: unknown;
}

/** A micro-batch as it was received: its series, the good rows (in their order), and the refused ones. */
export interface ReceivedRows<R extends Row = Row> extends RowsData<R> {
  readonly series: Series;
  readonly refused: readonly RefusedEventRow[];
}

/** A micro-batch whose rows nobody has looked at yet: `rows` is their list in JSON. */
export interface UnreadRows {
  readonly series: Series;
  readonly origin: Origin;
  readonly received_at: number;
  readonly rows: Uint8Array;
}

/** Contract of a kind of rows: a fault of the envelope throws, a bad row is refused alone. */
export interface RowContract<R extends Row = Row> extends EventContract<RowsData<R>> {
  /** The series that the rows belong to; derived candles are bars. */
  series(data: RowsData<R>): Series;
  parse(event: StreamEvent): ReceivedRows<R>;
  /** For a store that reads rows itself: the event as it was received, only its envelope checked. Undefined where it has to be parsed. */
  unread(event: StreamEvent): UnreadRows | undefined;
}

/** Fields of the envelope but `interval`. Rows are not zod's work: `checkRow` is some twenty times as fast. */
const rowsFields = {
  exchange: z.enum(EXCHANGES),
  symbol: symbolText,
  origin: z.enum(ORIGINS),
  received_at: epochMs,
  rows: z.custom<readonly Row[]>((value) => Array.isArray(value) && value.length > 0 && value.length <= MAX_ROWS, {
    message: 'is not a list of rows',
    params: { allowed: `1 to ${MAX_ROWS} rows` },
  }),
};

/** Stands for rows that were not read. */
const UNREAD: readonly unknown[] = [null];

/** The contract of `<kind>.v1`. Its id is made of the series, the first and the last row key and a hash of the rows: not of who got them when. */
export function defineRowContract<R extends Row>(kind: Exclude<Kind, 'bars'>): RowContract<R> {
  const name = `${kind}.v1`;
  const fields = kind === 'candles' ? { ...rowsFields, interval: z.enum(INTERVALS) } : rowsFields;
  const schema = z.looseObject(fields) as unknown as z.ZodType<RowsData<R>>;
  const check = (data: unknown): RowsData<R> => checkFields(schema, data, `The data of ${eventType(name)}`, 'contract_mismatch');

  function series({ exchange, symbol, interval, origin }: RowsData<R>): Series {
    if (kind !== 'candles' || interval === undefined) return { exchange, symbol, kind };
    return { exchange, symbol, kind: origin === 'derived' ? 'bars' : 'candles', interval };
  }

  const definition = {
    name,
    schema,
    topics: ORIGINS.map((origin) => rowsTopic(kind, origin)).filter((topic, index, all) => all.indexOf(topic) === index),
    topic: (data: RowsData<R>) => rowsTopic(kind, data.origin),
    key: (data: RowsData<R>) => seriesId(series(data)),
    id: () => '',
  };

  return {
    type: eventType(name),
    schema,
    topics: definition.topics,
    topic: definition.topic,
    key: definition.key,
    series,
    build(data, meta) {
      check(data);
      const of = series(data);
      const { rows, ...head } = data;
      const json = writeRowsData(eventType(name), head, rows);
      rememberBytes(data, json.bytes);
      const first = rowKey(of, rows[0] as R);
      const last = rowKey(of, rows.at(-1) as R);
      return envelope(definition, data, meta, `${seriesId(of)}:${first}:${last}:${contentHash(json.rows)}`);
    },
    parse(event) {
      const data = check(event.data);
      const of = series(data);
      const { good, refused } = sortOut(of, data.rows);
      return { ...data, rows: good, series: of, refused };
    },
    unread(event) {
      const bytes = receivedBytes(event);
      const parts = bytes === undefined ? undefined : splitRowsData(bytes);
      if (parts === undefined) return undefined;
      const { success, data } = schema.safeParse({ ...parts.head, rows: UNREAD });
      if (success) return { series: series(data), origin: data.origin, received_at: data.received_at, rows: parts.rows };
      // What is missing may stand behind the rows.
      check(event.data);
      return undefined;
    },
  };
}

function sortOut<R extends Row>(series: Series, rows: readonly R[]): { good: readonly R[]; refused: readonly RefusedEventRow[] } {
  const refused: RefusedEventRow[] = [];
  for (let index = 0; index < rows.length; index += 1) {
    const row: unknown = rows[index];
    const fault = checkRow(series, row);
    if (fault !== undefined) refused.push({ index, row, ...fault });
  }
  if (refused.length === 0) return { good: rows, refused };
  const bad = new Set(refused.map(({ index }) => index));
  return { good: rows.filter((_, index) => !bad.has(index)), refused };
}
