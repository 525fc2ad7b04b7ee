import type { ByteWriter } from '../byte-writer.ts';
import { printDecimal, printScaled } from '../decimal.ts';
import type { CandleFacts } from '../market.ts';
import type { Listing } from './listing.ts';

/** Sums above this are carried into a second number, so that no sum is ever rounded. */
const CARRY = 2 ** 52;

/** An exact sum of whole numbers, each below 2^52. */
export class ExactSum {
  low = 0;
  high = 0;

  add(value: number): void {
    this.low += value;
    if (this.low >= CARRY) {
      this.low -= CARRY;
      this.high += 1;
    }
  }

  reset(): void {
    this.low = 0;
    this.high = 0;
  }

  write(writer: ByteWriter, decimals: number): void {
    if (this.high === 0) writer.scaled(this.low, decimals);
    else writer.text(this.print(decimals));
  }

  print(decimals: number): string {
    if (this.high === 0) return printScaled(this.low, decimals);
    return printDecimal({ units: BigInt(this.high) * BigInt(CARRY) + BigInt(this.low), decimals });
  }
}

/** A candle in the making: what the trades so far add up to. */
export class CandleSums {
  open = 0;
  high = 0;
  low = 0;
  close = 0;
  trades = 0;
  readonly volume = new ExactSum();
  readonly quote = new ExactSum();
  readonly takerBase = new ExactSum();
  readonly takerQuote = new ExactSum();

  /** Begins anew, with no trade and everything at the price before. */
  begin(priceBefore: number): void {
    this.open = this.high = this.low = this.close = priceBefore;
    this.trades = 0;
    this.volume.reset();
    this.quote.reset();
    this.takerBase.reset();
    this.takerQuote.reset();
  }

  /** Adds prices and a number of trades; volumes are added beside. */
  addPrices(open: number, high: number, low: number, close: number, trades: number): void {
    if (this.trades === 0) {
      this.open = open;
      this.high = high;
      this.low = low;
    } else {
      if (high > this.high) this.high = high;
      if (low < this.low) this.low = low;
    }
    this.close = close;
    this.trades += trades;
  }

  facts(openTime: number, nextOpen: number, listing: Listing): CandleFacts {
    const { decimals } = listing.price;
    const quoteDecimals = decimals + listing.quantity.decimals;
    return {
      openTime,
      nextOpen,
      open: printScaled(this.open, decimals),
      high: printScaled(this.high, decimals),
      low: printScaled(this.low, decimals),
      close: printScaled(this.close, decimals),
      volume: this.volume.print(listing.quantity.decimals),
      quoteVolume: this.quote.print(quoteDecimals),
      tradeCount: this.trades,
      takerBase: this.takerBase.print(listing.quantity.decimals),
      takerQuote: this.takerQuote.print(quoteDecimals),
    };
  }

  /** The same as a row of the REST answer, brackets included; times in ms or µs as given. */
  write(writer: ByteWriter, openTime: number, closeTime: number, listing: Listing): void {
    const { decimals } = listing.price;
    const quoteDecimals = decimals + listing.quantity.decimals;
    writer.text('[');
    writer.whole(openTime);
    writer.text(',"');
    writer.scaled(this.open, decimals);
    writer.nextQuoted();
    writer.scaled(this.high, decimals);
    writer.nextQuoted();
    writer.scaled(this.low, decimals);
    writer.nextQuoted();
    writer.scaled(this.close, decimals);
    writer.nextQuoted();
    this.volume.write(writer, listing.quantity.decimals);
    writer.text('",');
    writer.whole(closeTime);
    writer.text(',"');
    this.quote.write(writer, quoteDecimals);
    writer.text('",');
    writer.whole(this.trades);
    writer.text(',"');
    this.takerBase.write(writer, listing.quantity.decimals);
    writer.nextQuoted();
    this.takerQuote.write(writer, quoteDecimals);
    writer.text('","0"]');
  }
}
