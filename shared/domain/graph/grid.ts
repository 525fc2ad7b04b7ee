import { AppError } from '../errors.ts';
import { addBuckets, countBuckets, hasUnverifiedPhase, type Interval, nextOpenTime, openTimeFrom } from '../interval.ts';
import { type CandleTable, candleCount, candleField } from './candle-table.ts';

/**
 * A dense grid of bars and symbols. Node `t · S + s` is symbol `s` at bar `t`: time-major, so that a range of time is a range of nodes. Arrays are one entry a
 * node unless said. A bar without a candle is `imputed`: its prices are the close before it, its volumes 0; before the first candle of a symbol all is 0.
 */
export interface MarketGrid {
  readonly symbols: readonly string[];
  readonly bars: number;
  /** One entry a bar, epoch ms; `closeTime` is the last millisecond inside the bar. */
  readonly openTime: Float64Array;
  readonly closeTime: Float64Array;
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
  readonly volume: Float64Array;
  /** NaN where the source does not give it. */
  readonly tradeCount: Float64Array;
  readonly quoteVolume: Float64Array;
  readonly takerBuyVolume: Float64Array;
  readonly imputed: Uint8Array;
}

/** The most nodes of one graph: above it neither the worker's memory nor a training is bounded sensibly. */
export const MAX_NODES = 2_000_000;

/**
 * Lays candles on the grid of `[from, to)`. `tables` has one table a symbol. Throws `invalid_request` for a range without a bar or with too many, or where no
 * symbol has a candle; `row_refused` for a candle off the grid, twice, or out of order.
 */
export function createGrid(
  symbols: readonly string[],
  interval: Interval,
  from: number,
  to: number,
  tables: readonly CandleTable[],
): MarketGrid {
  const openTime = openTimes(interval, from, to, tables);
  const bars = openTime.length;
  const width = symbols.length;
  const nodes = bars * width;
  if (bars === 0 || tables.every((table) => candleCount(table) === 0)) {
    throw new AppError('invalid_request', `There is no ${interval} candle of ${symbols.join(', ')} between ${iso(from)} and ${iso(to)}.`);
  }
  if (nodes > MAX_NODES) {
    throw new AppError('invalid_request', `A graph has at most ${MAX_NODES} nodes (bars times symbols); this one would have ${nodes}.`);
  }
  const barAt = new Map(Array.from(openTime, (time, t) => [time, t]));
  const column = (): Float64Array => new Float64Array(nodes);
  const grid: MarketGrid = {
    symbols,
    bars,
    openTime,
    closeTime: openTime.map((time) => nextOpenTime(interval, time) - 1),
    open: column(),
    high: column(),
    low: column(),
    close: column(),
    volume: column(),
    tradeCount: column(),
    quoteVolume: column(),
    takerBuyVolume: column(),
    imputed: new Uint8Array(nodes).fill(1),
  };
  tables.forEach((table, s) => {
    fill(grid, symbols[s] as string, s, table, barAt);
    impute(grid, s);
  });
  return grid;
}

function openTimes(interval: Interval, from: number, to: number, tables: readonly CandleTable[]): Float64Array {
  let first = openTimeFrom(interval, from);
  if (hasUnverifiedPhase(interval)) {
    const opens = tables.filter((table) => candleCount(table) > 0).map((table) => candleField(table, 0, 'open_time'));
    if (opens.length === 0) return new Float64Array(0);
    const length = nextOpenTime(interval, 0);
    const any = Math.min(...opens);
    first = any - Math.floor((any - from) / length) * length;
    return Float64Array.from({ length: Math.ceil((to - first) / length) }, (_, t) => first + t * length);
  }
  const count = countBuckets(interval, from, to);
  // Beyond the limit the grid is refused by its size: no need to lay it out.
  if (count > MAX_NODES) throw new AppError('invalid_request', `A graph has at most ${MAX_NODES} bars; this range has ${count}.`);
  return Float64Array.from({ length: count }, (_, t) => addBuckets(interval, first, t));
}

function fill(grid: MarketGrid, symbol: string, s: number, table: CandleTable, barAt: ReadonlyMap<number, number>): void {
  const width = grid.symbols.length;
  let before = -1;
  for (let row = 0; row < candleCount(table); row++) {
    const open = candleField(table, row, 'open_time');
    const t = barAt.get(open);
    if (t === undefined || t <= before) {
      throw new AppError(
        'row_refused',
        `The candle of ${symbol} at ${iso(open)} ${t === undefined ? 'is off the grid' : 'is out of order'}.`,
        {
          symbol,
          open_time: open,
        },
      );
    }
    before = t;
    const node = t * width + s;
    grid.open[node] = candleField(table, row, 'open');
    grid.high[node] = candleField(table, row, 'high');
    grid.low[node] = candleField(table, row, 'low');
    grid.close[node] = candleField(table, row, 'close');
    grid.volume[node] = candleField(table, row, 'volume');
    grid.tradeCount[node] = candleField(table, row, 'trade_count');
    grid.quoteVolume[node] = candleField(table, row, 'quote_volume');
    grid.takerBuyVolume[node] = candleField(table, row, 'taker_buy_volume');
    grid.imputed[node] = 0;
  }
}

function impute(grid: MarketGrid, s: number): void {
  const width = grid.symbols.length;
  for (let node = s; node < grid.imputed.length; node += width) {
    if (grid.imputed[node] === 0) continue;
    const last = node < width ? 0 : (grid.close[node - width] as number);
    for (const price of [grid.open, grid.high, grid.low, grid.close]) price[node] = last;
  }
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
