import { AppError } from '../domain/errors.ts';
import { rowTime } from '../domain/row-key.ts';
import type { Origin, Row } from '../domain/rows.ts';
import { type Kind, type Series, seriesId } from '../domain/series.ts';
import { aggTrades } from './agg-trades.ts';
import { candles } from './candles.ts';
import type { EventMeta } from './contract.ts';
import { depth } from './depth.ts';
import type { StreamEvent } from './event.ts';
import { quotes } from './quotes.ts';
import { MAX_ROWS, type RowContract, type RowsData } from './row-contract.ts';
import { dataBytes } from './serialised-data.ts';
import { tickers } from './tickers.ts';
import { trades } from './trades.ts';

/** Most bytes of the data of one event. */
export const MAX_DATA_BYTES = 512 * 1024;

/** Where rows come from: as in the store. */
export interface RowsProvenance {
  readonly origin: Origin;
  readonly received_at: number;
}

/** The contract of each kind of rows. */
export const ROW_CONTRACTS = { candles, bars: candles, trades, 'agg-trades': aggTrades, quotes, depth, tickers } as const satisfies Record<
  Kind,
  unknown
>;

/** The contract that rows of a kind travel under. */
export function rowContract(kind: Kind): RowContract {
  return ROW_CONTRACTS[kind] as unknown as RowContract;
}

/**
 * Packs rows of one series, in their order, into events of at most 1,000 rows and 512 KiB; the time of each is the market time of its last row.
 * Each event's data is serialised here, once: the codecs send these bytes. Rows must have passed `checkRow`.
 * Throws `payload_too_large` for a single row above 512 KiB (a snapshot that was not parted), `contract_mismatch` for a wrong provenance.
 */
export function packRows(
  series: Series,
  rows: readonly Row[],
  provenance: RowsProvenance,
  meta: Omit<EventMeta, 'time'>,
): StreamEvent<RowsData>[] {
  if ((series.kind === 'bars') !== (provenance.origin === 'derived')) {
    const fields = [{ path: 'origin', problem: `does not go with ${series.kind}`, allowed: 'derived for bars, and for nothing else' }];
    throw new AppError('contract_mismatch', `Rows of ${seriesId(series)} cannot have the origin ${provenance.origin}.`, { fields });
  }
  const events: StreamEvent<RowsData>[] = [];
  for (let start = 0; start < rows.length; start += MAX_ROWS) {
    pack(rows.length <= MAX_ROWS ? rows : rows.slice(start, start + MAX_ROWS));
  }
  return events;

  function pack(part: readonly Row[]): void {
    const event = build(series, part, provenance, meta);
    if (dataBytes(event).byteLength <= MAX_DATA_BYTES) {
      events.push(event);
      return;
    }
    if (part.length === 1) {
      throw new AppError('payload_too_large', `One row of ${seriesId(series)} is larger than ${MAX_DATA_BYTES} bytes.`, {
        series: seriesId(series),
        limit_bytes: MAX_DATA_BYTES,
      });
    }
    const middle = Math.ceil(part.length / 2);
    pack(part.slice(0, middle));
    pack(part.slice(middle));
  }
}

function build(
  series: Series,
  rows: readonly Row[],
  { origin, received_at }: RowsProvenance,
  meta: Omit<EventMeta, 'time'>,
): StreamEvent<RowsData> {
  const { exchange, symbol, interval } = series;
  const data: RowsData = { exchange, symbol, ...(interval === undefined ? {} : { interval }), origin, received_at, rows };
  return rowContract(series.kind).build(data, { ...meta, time: rowTime(series, rows.at(-1) as Row) });
}
