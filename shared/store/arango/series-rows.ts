import { AppError } from '../../domain/errors.ts';
import { ORIGIN_RANK } from '../../domain/order.ts';
import { rowKey } from '../../domain/row-key.ts';
import type { Candle, Depth, Quote, Row, Trade } from '../../domain/rows.ts';
import { hasIntegerIds, type Series, seriesId } from '../../domain/series.ts';
import type { Provenance } from '../market-store.ts';
import { documentKey } from './document-key.ts';

/** How the rows of a series are kept: candles by their open time, Binance's trades by their id, all others by time, update id and key. */
export type RowStyle = 'candles' | 'ids' | 'texts';

/** A document as it is imported. */
export type RowDocument = Readonly<Record<string, unknown>> & { readonly _key: string };

const COLLECTIONS = {
  ...{ candles: 'candles', bars: 'candles', trades: 'trades', 'agg-trades': 'agg_trades', quotes: 'quotes' },
  ...{ depth: 'depth', tickers: 'tickers' },
} as const satisfies Record<Series['kind'], string>;

export function collectionOf(series: Series): string {
  return COLLECTIONS[series.kind];
}

/** Where the newest row of the series is kept, for the kinds that have one. */
export function latestCollectionOf(series: Series): 'latest_quotes' | 'latest_tickers' | undefined {
  return series.kind === 'quotes' ? 'latest_quotes' : series.kind === 'tickers' ? 'latest_tickers' : undefined;
}

export function styleOf(series: Series): RowStyle {
  if (series.interval !== undefined) return 'candles';
  return hasIntegerIds(series) ? 'ids' : 'texts';
}

/** The attributes that order rows of one time: a text trade has its id alone, the others their update id and key. */
export function orderOf(series: Series): { readonly tie: string; readonly key: string } {
  return series.kind === 'trades' ? { tie: 'id', key: 'id' } : { tie: 'tie', key: 'row_key' };
}

/** A row's place in the order of a series of style `texts`. */
export type TextPosition = readonly [time: number, tie: number | string, key: string];

export function positionOf(series: Series, row: Row): TextPosition {
  const key = rowKey(series, row);
  return [(row as Trade).time, series.kind === 'trades' ? key : tieOf(row), key];
}

function tieOf(row: Row): number {
  return (row as Quote).update_id ?? (row as Depth).last_update_id ?? 0;
}

/** The row as it is stored: its fields, the series' id, and what it is ordered by. */
export function toDocument(series: Series, name: string, prefix: string, row: Row, { origin, received_at }: Provenance): RowDocument {
  switch (styleOf(series)) {
    case 'candles': {
      // A revision is counted by the store, not taken over.
      const { revision: _, ...candle } = row as Candle;
      return { _key: `${prefix}:${candle.open_time}`, series: name, ...candle, origin, origin_rank: ORIGIN_RANK[origin], received_at };
    }
    case 'ids':
      return { _key: `${prefix}:${(row as Trade).id}`, series: name, ...row };
    case 'texts': {
      const key = rowKey(series, row);
      const document = { _key: documentKey(`${name}:${key}`), series: name, ...row };
      return series.kind === 'trades' ? document : { ...document, tie: tieOf(row), row_key: key };
    }
  }
}

/** Throws `invalid_request` for a key that is no whole number where the series has such keys. */
export function checkKeys(series: Series, rows: readonly Row[]): void {
  const style = styleOf(series);
  if (style === 'texts') return;
  for (let index = 0; index < rows.length; index += 1) {
    const key = style === 'candles' ? (rows[index] as Candle).open_time : (rows[index] as Trade).id;
    if (!Number.isSafeInteger(key))
      throw new AppError('invalid_request', `Row ${index} of ${seriesId(series)} has the key ${String(key)}, which is no whole number.`, {
        index,
      });
  }
}
