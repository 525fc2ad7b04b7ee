import { addDecimals, type Decimal, multiplyDecimals, parseDecimal, printDecimal, printDecimalText } from '../decimal.ts';
import type { AggregateFacts, TradeFacts, TradeTable } from '../market.ts';
import { firstAtOrAbove, type RowTable } from './row-table.ts';

const isTrue = (text: string | undefined): boolean => text?.trim().toLowerCase() === 'true';
const ZERO: Decimal = { units: 0n, decimals: 0 };

/** `id,price,qty,quoteQty,time,isBuyerMaker,isBestMatch`; older and other files may lack the last. */
export function recordedTrades(table: RowTable): TradeTable<TradeFacts> {
  return tableOf(table, (index) => {
    const columns = table.columns(index);
    const quote = columns[3]?.trim() ?? '';
    return {
      id: table.keys[index] as number,
      timeUs: table.times[index] as number,
      price: printDecimalText(columns[1] ?? ''),
      quantity: printDecimalText(columns[2] ?? ''),
      quoteQuantity: quote === '' || quote === 'null' ? null : printDecimalText(quote),
      buyerIsMaker: isTrue(columns[5]),
      isBestMatch: columns[6] === undefined ? true : isTrue(columns[6]),
    };
  });
}

/** `a,p,q,f,l,T,m,M`. */
export function recordedAggregates(table: RowTable): TradeTable<AggregateFacts> {
  return tableOf(table, (index) => {
    const columns = table.columns(index);
    return {
      id: table.keys[index] as number,
      firstId: Number(columns[3]),
      lastId: Number(columns[4]),
      timeUs: table.times[index] as number,
      price: printDecimalText(columns[1] ?? ''),
      quantity: printDecimalText(columns[2] ?? ''),
      buyerIsMaker: isTrue(columns[6]),
      isBestMatch: columns[7] === undefined ? true : isTrue(columns[7]),
    };
  });
}

function tableOf<F extends { readonly id: number; readonly timeUs: number }>(table: RowTable, read: (index: number) => F): TradeTable<F> {
  return {
    countUntil: (timeUs) => firstAtOrAbove(table.times, table.length, timeUs + 1),
    indexOfId: (id) => firstAtOrAbove(table.keys, table.length, id),
    facts(from, to) {
      const rows: F[] = [];
      for (let index = from; index < Math.min(to, table.length); index++) rows.push(read(index));
      return rows;
    },
  };
}

/**
 * Aggregates where only fills were recorded: neighbouring ids of one moment, price and side are one, numbered from 1. Derived when first
 * asked for.
 */
export function deriveAggregates(table: RowTable): TradeTable<AggregateFacts> {
  let begins: Float64Array | undefined;
  const fills = recordedTrades(table);
  const starts = (): Float64Array => {
    begins ??= Float64Array.from(findBegins(table));
    return begins;
  };
  /** The aggregates that are whole before the fill at `index`. */
  const countBefore = (index: number): number => firstAtOrAbove(starts(), starts().length, index);
  return {
    countUntil: (timeUs) => countBefore(fills.countUntil(timeUs)),
    indexOfId: (id) => Math.max(0, id - 1),
    facts(from, to) {
      const rows: AggregateFacts[] = [];
      for (let index = from; index < Math.min(to, starts().length); index++) {
        const members = fills.facts(starts()[index] as number, (starts()[index + 1] as number | undefined) ?? table.length);
        const first = members[0] as TradeFacts;
        rows.push({
          id: index + 1,
          firstId: first.id,
          lastId: (members.at(-1) as TradeFacts).id,
          timeUs: first.timeUs,
          price: first.price,
          quantity: members.length === 1 ? first.quantity : printDecimal(sumQuantities(members)),
          buyerIsMaker: first.buyerIsMaker,
          isBestMatch: first.isBestMatch,
        });
      }
      return rows;
    },
  };
}

function findBegins(table: RowTable): number[] {
  const begins: number[] = [];
  let before: readonly string[] = [];
  for (let index = 0; index < table.length; index++) {
    const columns = table.columns(index);
    const isNext =
      index > 0 &&
      table.keys[index] === (table.keys[index - 1] as number) + 1 &&
      table.times[index] === table.times[index - 1] &&
      columns[1] === before[1] &&
      columns[5] === before[5];
    if (!isNext) begins.push(index);
    before = columns;
  }
  return begins;
}

function sumQuantities(fills: readonly TradeFacts[]): Decimal {
  return fills.reduce((sum, fill) => addDecimals(sum, parseDecimal(fill.quantity) ?? ZERO), ZERO);
}

/** One row of a tape, whichever of the two it is made of: what a candle is summed from. */
export interface TapeEntry {
  readonly timeUs: number;
  readonly firstId: number;
  readonly lastId: number;
  readonly price: Decimal;
  readonly quantity: Decimal;
  readonly quote: Decimal;
  readonly takerBuys: boolean;
}

/** Trades, or aggregates where there are no trades, as one tape. */
export interface Tape {
  readonly table: RowTable;
  entry(index: number): TapeEntry;
  ids(index: number): readonly [first: number, last: number];
}

/** The rows of a table as a tape; `isAggregates` tells which of the two forms its columns have. */
export function tapeOf(table: RowTable, isAggregates: boolean): Tape {
  const ids = (columns: readonly string[], index: number): readonly [number, number] =>
    isAggregates ? [Number(columns[3]), Number(columns[4])] : [table.keys[index] as number, table.keys[index] as number];
  return {
    table,
    ids: (index) => (isAggregates ? ids(table.columns(index), index) : ids([], index)),
    entry(index) {
      const columns = table.columns(index);
      const [price, quantity] = [parseDecimal(columns[1] ?? '') ?? ZERO, parseDecimal(columns[2] ?? '') ?? ZERO];
      const [firstId, lastId] = ids(columns, index);
      return {
        timeUs: table.times[index] as number,
        firstId,
        lastId,
        price,
        quantity,
        quote: multiplyDecimals(price, quantity),
        takerBuys: !isTrue(columns[isAggregates ? 6 : 5]),
      };
    },
  };
}
