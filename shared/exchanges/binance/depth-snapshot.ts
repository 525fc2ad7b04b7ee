import { AppError } from '../../domain/errors.ts';
import { checkRow } from '../../domain/row-check.ts';
import type { Depth, Level } from '../../domain/rows.ts';
import type { CallOptions } from '../exchange.ts';
import { losesPrecision, readDecimal } from './decimal.ts';
import type { RestClient } from './rest-client.ts';

/** Weight of `depth` by its limit: `[most levels, weight]` (reference, 3.5). */
const WEIGHTS: readonly (readonly [number, number])[] = [
  [100, 5],
  [500, 25],
  [1000, 50],
  [5000, 250],
];

/**
 * An order book: `{"lastUpdateId":50093239218,"bids":[["61837.63000000","3.78826000"],…],"asks":[…]}`. The body tells no time: it is stamped with the exchange's
 * clock. Throws `invalid_request` for a limit outside 1 to 5,000, `precision_lost` and `row_refused` for a book that cannot be taken as it is.
 */
export async function readDepthSnapshot(client: RestClient, symbol: string, limit: number, call: CallOptions): Promise<Depth> {
  const weight = Number.isInteger(limit) && limit >= 1 ? WEIGHTS.find(([levels]) => limit <= levels)?.[1] : undefined;
  if (weight === undefined)
    throw new AppError('invalid_request', `An order book has 1 to 5000 levels a side, not ${limit}.`, { symbol, limit });
  await client.observedTime(0, call);
  const request = { path: '/api/v3/depth', query: { symbol, limit }, weight, urgent: true };
  const { value } = await client.getObject(request, call, (body) => 'lastUpdateId' in body);
  const { lastUpdateId, bids, asks } = value;
  const depth: Depth = {
    time: client.exchangeClock.now(),
    first_update_id: lastUpdateId as number,
    last_update_id: lastUpdateId as number,
    snapshot: true,
    bids: readLevels(bids, symbol),
    asks: readLevels(asks, symbol),
  };
  const fault = checkRow({ exchange: 'binance', symbol, kind: 'depth' }, depth);
  if (fault !== undefined) throw new AppError(fault.code, `The order book of ${symbol} cannot be taken: ${fault.message}.`, { symbol });
  return depth;
}

function readLevels(side: unknown, symbol: string): Level[] {
  const levels: readonly unknown[] = Array.isArray(side) ? side : [[]];
  return levels.map((level) => {
    const [price, quantity] = (Array.isArray(level) ? level : []) as readonly unknown[];
    if (losesPrecision(price) || losesPrecision(quantity))
      throw new AppError('precision_lost', `A level of the order book of ${symbol} has more than 15 significant digits.`, {
        symbol,
        level,
      });
    return [readDecimal(price), readDecimal(quantity)];
  });
}
