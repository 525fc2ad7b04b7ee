/** Where rows come from. `derived` rows are built by us (bars from trades). */
export const ORIGINS = ['rest', 'ws', 'archive', 'derived', 'recording'] as const;
export type Origin = (typeof ORIGINS)[number];

/** The taker's side: Binance `m: true` (the buyer is the maker) is a `sell`. */
export type Side = 'buy' | 'sell';

/**
 * Candle or bar; row key `<open_time>`. Prices in quote units, volumes in base units, `quote_…` in quote units, times in epoch ms;
 * `close_time` is the last millisecond inside the bucket. A field that a source does not give is absent, never 0.
 * `{open_time: 1722470400000, close_time: 1722470699999, open: 64628.01, high: 64700, low: 64600.5, close: 64688.1, volume: 123.4, is_closed: true}`
 */
export interface Candle {
  readonly open_time: number;
  readonly close_time: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  readonly quote_volume?: number;
  readonly trade_count?: number;
  readonly taker_buy_volume?: number;
  readonly taker_buy_quote_volume?: number;
  readonly is_closed: boolean;
  readonly first_trade_id?: number;
  readonly last_trade_id?: number;
  /** Counted by the store each time the content of a closed candle changes; 0 or absent before that. */
  readonly revision?: number;
  /** `previous_close` where the exchange's bucket opens at the close before (BitMEX). */
  readonly open_source?: string;
}

/** One fill; row key `<id>`. `time_us` (1 to 999) is what lies below the millisecond, absent where nothing does. */
export interface Trade {
  readonly id: number | string;
  readonly time: number;
  readonly time_us?: number;
  readonly price: number;
  /** Base units. */
  readonly quantity: number;
  readonly quote_quantity?: number;
  readonly side: Side;
  readonly is_best_match?: boolean;
  /** BitMEX only. */
  readonly contracts?: number;
}

/** Binance aggregate trade; row key `<id>`; its ids are another space than those of trades. */
export interface AggTrade {
  readonly id: number;
  readonly first_trade_id: number;
  readonly last_trade_id: number;
  readonly time: number;
  readonly time_us?: number;
  readonly price: number;
  readonly quantity: number;
  readonly side: Side;
}

/** Best bid and ask; row key `<time>:<update_id or content hash>`. */
export interface Quote {
  readonly time: number;
  readonly time_source: 'exchange' | 'receipt';
  readonly update_id?: number;
  readonly bid_price: number;
  readonly bid_quantity: number;
  readonly ask_price: number;
  readonly ask_quantity: number;
}

/** `[price, quantity]`; quantity 0 removes the level. */
export type Level = readonly [price: number, quantity: number];

/** Order book snapshot or difference; row key `s:` or `d:` and `<last_update_id>`. */
export interface Depth {
  readonly time: number;
  readonly first_update_id: number;
  readonly last_update_id: number;
  readonly snapshot: boolean;
  readonly part?: number;
  readonly parts?: number;
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
}

/** Rolling 24-hour statistics; row key `<time>`. */
export interface Ticker {
  readonly time: number;
  readonly last_price: number;
  readonly price_change: number;
  readonly price_change_percent: number;
  readonly weighted_average_price: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly volume: number;
  readonly quote_volume: number;
  readonly trade_count: number;
}

/** The row type of each kind. */
export interface RowOfKind {
  readonly candles: Candle;
  readonly bars: Candle;
  readonly trades: Trade;
  readonly 'agg-trades': AggTrade;
  readonly quotes: Quote;
  readonly depth: Depth;
  readonly tickers: Ticker;
}

export type Row = RowOfKind[keyof RowOfKind];
