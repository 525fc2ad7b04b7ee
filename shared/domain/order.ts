import type { Candle, Origin } from './rows.ts';

/** A candle with what decides between two versions of it. */
export interface RankedCandle {
  readonly row: Candle;
  readonly origin: Origin;
  /** Epoch ms. */
  readonly received_at: number;
}

/** `archive` = `rest` > `ws` > `recording` > `derived` (bars have no other origin). */
export const ORIGIN_RANK = { derived: 0, recording: 1, ws: 2, rest: 3, archive: 3 } as const satisfies Record<Origin, number>;

/** The content of a candle in the order in which it breaks ties; identity (`open_time`) and bookkeeping (`is_closed`, `revision`) are not in it. */
export const CANDLE_CONTENT = [
  'close_time',
  'open',
  'high',
  'low',
  'close',
  'volume',
  'quote_volume',
  'trade_count',
  'taker_buy_volume',
  'taker_buy_quote_volume',
  'first_trade_id',
  'last_trade_id',
] as const satisfies readonly (keyof Candle)[];

/**
 * The one total order of versions of a candle: closed beats open, then `trade_count` (absent is least), origin, `received_at`, at last the content
 * itself (absent is least), so that any order of arrival ends in the same row. Positive: `a` wins.
 */
export function compareCandles(a: RankedCandle, b: RankedCandle): number {
  return (
    Number(a.row.is_closed) - Number(b.row.is_closed) ||
    (a.row.trade_count ?? -1) - (b.row.trade_count ?? -1) ||
    ORIGIN_RANK[a.origin] - ORIGIN_RANK[b.origin] ||
    a.received_at - b.received_at ||
    compareContent(a.row, b.row)
  );
}

function compareContent(a: Candle, b: Candle): number {
  for (const field of CANDLE_CONTENT) {
    const left = a[field] ?? Number.NEGATIVE_INFINITY;
    const right = b[field] ?? Number.NEGATIVE_INFINITY;
    if (left !== right) return left < right ? -1 : 1;
  }
  return (a.open_source ?? '') < (b.open_source ?? '') ? -1 : (a.open_source ?? '') > (b.open_source ?? '') ? 1 : 0;
}

/** True where two versions say the same of the market: replacing one by the other is no revision. */
export function equalContent(a: Candle, b: Candle): boolean {
  return a.is_closed === b.is_closed && compareContent(a, b) === 0;
}
