import { ExactSum } from './exact-sum.ts';
import { type Interval, nextOpenTime, openTimeAt } from './interval.ts';
import type { AggTrade, Candle, Trade } from './rows.ts';

interface Bucket {
  readonly openTime: number;
  readonly open: number;
  high: number;
  low: number;
  close: number;
  tradeCount: number;
  firstTradeId: number;
  lastTradeId: number;
  readonly volume: ExactSum;
  readonly quoteVolume: ExactSum;
  readonly takerBuyVolume: ExactSum;
  readonly takerBuyQuoteVolume: ExactSum;
}

/**
 * Builds candles from trades or aggregate trades of one symbol, fed in order of their ids. A bucket without a trade gives no candle: nothing is invented.
 * Volumes are exact sums turned into the nearest double when the bucket closes.
 */
export class CandleBuilder {
  readonly #interval: Interval;
  #bucket: Bucket | undefined;

  constructor(interval: Interval) {
    this.#interval = interval;
  }

  /** Adds a trade; returns the candle that it closed, if it was the first of a later bucket. */
  add(trade: Trade | AggTrade): Candle | undefined {
    const openTime = openTimeAt(this.#interval, trade.time);
    const closed = this.#bucket !== undefined && this.#bucket.openTime !== openTime ? this.finish() : undefined;
    this.#bucket ??= openBucket(openTime, trade);
    addTo(this.#bucket, trade);
    return closed;
  }

  /** The candle of the last bucket, or undefined where there was no trade. The builder is empty after it. */
  finish(): Candle | undefined {
    const bucket = this.#bucket;
    this.#bucket = undefined;
    if (bucket === undefined) return undefined;
    return {
      open_time: bucket.openTime,
      close_time: nextOpenTime(this.#interval, bucket.openTime) - 1,
      open: bucket.open,
      high: bucket.high,
      low: bucket.low,
      close: bucket.close,
      volume: bucket.volume.toNumber(),
      quote_volume: bucket.quoteVolume.toNumber(),
      trade_count: bucket.tradeCount,
      taker_buy_volume: bucket.takerBuyVolume.toNumber(),
      taker_buy_quote_volume: bucket.takerBuyQuoteVolume.toNumber(),
      is_closed: true,
      first_trade_id: bucket.firstTradeId,
      last_trade_id: bucket.lastTradeId,
    };
  }
}

function openBucket(openTime: number, { price, ...trade }: Trade | AggTrade): Bucket {
  const [first] = tradeIds(trade);
  const sums = { volume: new ExactSum(), quoteVolume: new ExactSum(), takerBuyVolume: new ExactSum(), takerBuyQuoteVolume: new ExactSum() };
  return { openTime, open: price, high: price, low: price, close: price, tradeCount: 0, firstTradeId: first, lastTradeId: first, ...sums };
}

function addTo(bucket: Bucket, trade: Trade | AggTrade): void {
  const { price, quantity, side } = trade;
  const [first, last] = tradeIds(trade);
  bucket.high = Math.max(bucket.high, price);
  bucket.low = Math.min(bucket.low, price);
  bucket.close = price;
  bucket.tradeCount += last - first + 1;
  bucket.lastTradeId = last;
  bucket.volume.add(quantity);
  bucket.quoteVolume.addProduct(price, quantity);
  if (side !== 'buy') return;
  bucket.takerBuyVolume.add(quantity);
  bucket.takerBuyQuoteVolume.addProduct(price, quantity);
}

/** First and last id of the single fills behind a row; a fill of a venue without integer ids counts as one. */
function tradeIds(trade: Omit<Trade, 'price'> | Omit<AggTrade, 'price'>): readonly [first: number, last: number] {
  if ('first_trade_id' in trade) return [trade.first_trade_id, trade.last_trade_id];
  return typeof trade.id === 'number' ? [trade.id, trade.id] : [0, 0];
}
