import { checkRow } from '../../domain/row-check.ts';
import type { AggTrade, Trade } from '../../domain/rows.ts';
import type { Series } from '../../domain/series.ts';
import type { RefusedRow } from '../exchange.ts';
import { losesPrecision, microsBelow, readDecimal, wholeMs } from './decimal.ts';

/** One row of an answer whose rows carry ids: the row itself, or why it is refused. `time` is epoch ms. */
export interface IdEntry {
  readonly id: number;
  readonly time: number;
  readonly row?: Trade | AggTrade;
  readonly refused?: RefusedRow;
}

type Wire = Readonly<Record<string, unknown>>;

/** How one endpoint writes its rows. */
interface WireShape {
  readonly id: string;
  readonly time: string;
  readonly price: string;
  readonly quantity: string;
  map(wire: Wire): Trade | AggTrade;
}

/** `aggTrades`: `{"a":26129,"p":"0.01633102","q":"4.70443515","f":27781,"l":27781,"T":1498793709153,"m":true,"M":true}`. */
const AGG_TRADE: WireShape = {
  id: 'a',
  time: 'T',
  price: 'p',
  quantity: 'q',
  map(wire) {
    const time_us = microsBelow(wire.T);
    return {
      id: wire.a as number,
      first_trade_id: wire.f as number,
      last_trade_id: wire.l as number,
      time: wholeMs(wire.T),
      ...(time_us === 0 ? {} : { time_us }),
      price: readDecimal(wire.p),
      quantity: readDecimal(wire.q),
      side: sideOf(wire.m),
    };
  },
};

/** `historicalTrades`: `{"id":28457,"price":"4.00000100","qty":"12.00000000","quoteQty":"48.000012","time":1499865549590,"isBuyerMaker":true,"isBestMatch":true}`. */
const TRADE: WireShape = {
  id: 'id',
  time: 'time',
  price: 'price',
  quantity: 'qty',
  map(wire) {
    const time_us = microsBelow(wire.time);
    return {
      id: wire.id as number,
      time: wholeMs(wire.time),
      ...(time_us === 0 ? {} : { time_us }),
      price: readDecimal(wire.price),
      quantity: readDecimal(wire.qty),
      ...(wire.quoteQty === null || wire.quoteQty === undefined ? {} : { quote_quantity: readDecimal(wire.quoteQty) }),
      side: sideOf(wire.isBuyerMaker),
      ...(typeof wire.isBestMatch === 'boolean' ? { is_best_match: wire.isBestMatch } : {}),
    };
  },
};

/** The buyer is the maker: the taker sold. Anything but a boolean is no side, and the row's check refuses it. */
function sideOf(buyerIsMaker: unknown): 'buy' | 'sell' {
  return buyerIsMaker === true ? 'sell' : buyerIsMaker === false ? 'buy' : (undefined as never);
}

/**
 * Maps a page of aggTrades or historicalTrades: entries by rising id from `fromId` on, each id once. A row whose id cannot be read stands for the id that
 * was due at its place,
 * one whose time cannot be read stands at the time of the row before it (`since` for the first).
 */
export function mapIdRows(series: Series, raw: readonly unknown[], fromId: number, since: number): readonly IdEntry[] {
  const shape = series.kind === 'trades' ? TRADE : AGG_TRADE;
  const entries: IdEntry[] = [];
  let ordered = true;
  let due = fromId;
  let lastTime = since;
  for (let index = 0; index < raw.length; index += 1) {
    const wire = (raw[index] ?? {}) as Wire;
    const given = wire[shape.id];
    const id = Number.isSafeInteger(given) ? (given as number) : due;
    if (id < fromId) continue;
    if (id < due) ordered = false;
    due = id + 1;
    const row = shape.map(wire);
    const fault = faultOf(series, shape, wire, row);
    const time = Number.isSafeInteger(row.time) ? row.time : lastTime;
    lastTime = time;
    entries.push(
      fault === undefined
        ? { id, time, row }
        : { id, time, refused: { index, from: time, to: time + 1, from_id: id, to_id: id, raw: raw[index], ...fault } },
    );
  }
  return ordered ? entries : inOrder(entries);
}

function faultOf(series: Series, shape: WireShape, wire: Wire, row: Trade | AggTrade): Pick<RefusedRow, 'code' | 'message'> | undefined {
  if (losesPrecision(wire[shape.price]) || losesPrecision(wire[shape.quantity])) {
    const message = `price or quantity has more than 15 significant digits: ${String(wire[shape.price])}, ${String(wire[shape.quantity])}`;
    return { code: 'precision_lost', message };
  }
  return checkRow(series, row);
}

function inOrder(entries: readonly IdEntry[]): IdEntry[] {
  const sorted = [...entries].sort((a, b) => a.id - b.id);
  return sorted.filter((entry, index) => entry.id !== sorted[index - 1]?.id);
}
