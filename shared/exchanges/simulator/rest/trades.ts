import type { AggregateFacts, TradeFacts, TradeTable } from '../market.ts';
import { badCombination } from './api-error.ts';
import { type Call, type Endpoint, nowUs } from './call.ts';

const DEFAULT_LIMIT = 500;
const MOST_ROWS = 1_000;

/** First by `startTime`, then by `fromId`; both ends inclusive. `fromId` together with times is refused: what the exchange does then is unknown. */
export const aggTrades: Endpoint = {
  parameters: ['symbol', 'fromId', 'startTime', 'endTime', 'limit'],
  weight: () => 4,
  isPage: true,
  answer(call) {
    const { parameters } = call;
    const table = parameters.symbol().aggregates;
    const limit = parameters.limit(DEFAULT_LIMIT, MOST_ROWS);
    const fromId = parameters.whole('fromId');
    const start = parameters.time('startTime');
    const end = parameters.time('endTime');
    if (fromId !== undefined && (start !== undefined || end !== undefined)) throw badCombination();
    if (table === undefined) return '[]';
    const happened = table.countUntil(nowUs(call));
    const last = end === undefined ? happened : Math.min(happened, table.countUntil(Math.min(end.lastUs, nowUs(call))));
    let from = Math.max(0, last - limit);
    if (fromId !== undefined) from = Math.min(happened, table.indexOfId(fromId));
    if (start !== undefined) from = start.firstUs > nowUs(call) ? happened : table.countUntil(start.firstUs - 1);
    const to = Math.min(last, from + limit);
    return printRows(table, from, to, call.inMicroseconds ? printAggregateUs : printAggregateMs);
  },
};

/** The newest trades. */
export const trades: Endpoint = {
  parameters: ['symbol', 'limit'],
  weight: () => 25,
  isPage: true,
  answer: (call) => historyOfTrades(call, undefined),
};

/** Trades from an id on; the newest where none was sent. */
export const historicalTrades: Endpoint = {
  parameters: ['symbol', 'fromId', 'limit'],
  weight: () => 25,
  isPage: true,
  answer: (call) => historyOfTrades(call, call.parameters.whole('fromId')),
};

/** Block trades are another id space, and this market has none. */
export const historicalBlockTrades: Endpoint = {
  parameters: ['symbol', 'fromId', 'limit'],
  weight: () => 25,
  answer(call) {
    call.parameters.symbol();
    return '[]';
  },
};

function historyOfTrades(call: Call, fromId: number | undefined): string {
  const table = call.parameters.symbol().trades;
  const limit = call.parameters.limit(DEFAULT_LIMIT, MOST_ROWS);
  if (table === undefined) return '[]';
  const happened = table.countUntil(nowUs(call));
  const from = fromId === undefined ? Math.max(0, happened - limit) : Math.min(happened, table.indexOfId(fromId));
  return printRows(table, from, Math.min(happened, from + limit), call.inMicroseconds ? printTradeUs : printTradeMs);
}

function printRows<F extends { readonly id: number; readonly timeUs: number }>(
  table: TradeTable<F>,
  from: number,
  to: number,
  print: (row: F) => string,
): string {
  if (from >= to) return '[]';
  return `[${table.facts(from, to).map(print).join(',')}]`;
}

const printAggregateMs = (row: AggregateFacts): string => printAggregate(row, Math.floor(row.timeUs / 1_000));
const printAggregateUs = (row: AggregateFacts): string => printAggregate(row, row.timeUs);
const printTradeMs = (row: TradeFacts): string => printTrade(row, Math.floor(row.timeUs / 1_000));
const printTradeUs = (row: TradeFacts): string => printTrade(row, row.timeUs);

function printAggregate(row: AggregateFacts, time: number): string {
  return `{"a":${row.id},"p":"${row.price}","q":"${row.quantity}","f":${row.firstId},"l":${row.lastId},"T":${time},"m":${row.buyerIsMaker},"M":${row.isBestMatch}}`;
}

function printTrade(row: TradeFacts, time: number): string {
  const quote = row.quoteQuantity === null ? 'null' : `"${row.quoteQuantity}"`;
  return `{"id":${row.id},"price":"${row.price}","qty":"${row.quantity}","quoteQty":${quote},"time":${time},"isBuyerMaker":${row.buyerIsMaker},"isBestMatch":${row.isBestMatch}}`;
}
