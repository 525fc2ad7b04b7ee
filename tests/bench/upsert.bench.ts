import { join } from 'node:path';
import type { Candle, Row, Trade } from '../../shared/domain/rows.ts';
import { parseSeriesId, type Series } from '../../shared/domain/series.ts';
import { openSqliteStore } from '../../shared/store/sqlite/open-sqlite-store.ts';
import { type Bench, type Figure, fastest, scaled, sideBySide, withFolder } from './bench.ts';
import { openPlainTable } from './plain-table.ts';

const ROUNDS = 3;
const ROWS_PER_CALL = 1_000;
/** Calls that wait for the store at once, as the sink's do. */
const LANES = 12;
const MINUTE_MS = 60_000;
const FROM = Date.UTC(2024, 0, 1);
const PROVENANCE = { origin: 'rest', received_at: Date.UTC(2025, 0, 1) } as const;
const SYMBOLS = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT'];

/** A kind of rows: how many, and how one is made and laid out. */
interface Sample<R extends Row> {
  readonly name: string;
  readonly kind: string;
  readonly columns: readonly (keyof R & string)[];
  make(index: number): R;
}

const candles: Sample<Candle> = {
  name: 'candles',
  kind: 'candles:1m',
  columns: [
    ...(['open_time', 'close_time', 'open', 'high', 'low', 'close', 'volume', 'quote_volume', 'trade_count'] as const),
    ...(['taker_buy_volume', 'taker_buy_quote_volume'] as const),
  ],
  make(index) {
    const open_time = FROM + index * MINUTE_MS;
    const open = 60_000 + (index % 997) / 4;
    return {
      ...{ open_time, close_time: open_time + MINUTE_MS - 1, open, high: open + 8.25, low: open - 7.5, close: open + 1.75 },
      ...{ volume: 12.5 + (index % 31), quote_volume: 750_000.125 + index, trade_count: 100 + (index % 300) },
      ...{ taker_buy_volume: 6.25, taker_buy_quote_volume: 375_000.5, is_closed: true },
    };
  },
};

const trades: Sample<Trade> = {
  name: 'trades',
  kind: 'trades',
  columns: ['id', 'time', 'price', 'quantity', 'quote_quantity'],
  make: (index) => ({
    ...{ id: 3_700_000_000 + index, time: FROM + index * 40, price: 60_000 + (index % 997) / 4, quantity: 0.001 + (index % 50) / 8 },
    ...{ quote_quantity: 60.25 + index, side: index % 2 === 0 ? 'buy' : 'sell', is_best_match: true },
  }),
};

async function measure<R extends Row>(sample: Sample<R>, rowCount: number): Promise<Figure[]> {
  const batches = Array.from({ length: rowCount / ROWS_PER_CALL }, (_, batch) =>
    Array.from({ length: ROWS_PER_CALL }, (_row, row) => sample.make(batch * ROWS_PER_CALL + row)),
  );
  const seriesOf = (round: number): Series => parseSeriesId(`binance:${SYMBOLS[round]}:${sample.kind}`);
  const plain = await withFolder((dir) => plainUpserts(dir, sample, batches));
  const own = await withFolder(async (dir) => {
    const store = await openSqliteStore({ dir });
    const upsertAll = (series: Series): Promise<void> =>
      sideBySide(LANES, batches.length, async (batch) => {
        await store.market.upsertRows(series, batches[batch] as R[], PROVENANCE);
      });
    const [first, again] = await everyRound((round) => upsertAll(seriesOf(round)));
    const rows = await store.market.countRows(seriesOf(0));
    await store.close();
    if (rows !== rowCount) throw new Error(`${rows} of ${rowCount} rows are stored`);
    return { first, again };
  });
  const against = 'one prepared multi-row upsert of 1,000 rows into a plain table';
  const count = rowCount.toLocaleString('en-US');
  return [
    { name: `${count} ${sample.name}, new`, value: rowCount / own.first, unit: 'rows/s', floor: rowCount / plain.first, against },
    { name: `${count} ${sample.name}, again`, value: rowCount / own.again, unit: 'rows/s', floor: rowCount / plain.again, against },
  ];
}

/** Seconds of the fastest round: of new rows, and of the same rows a second time. */
async function everyRound(work: (round: number) => Promise<void> | void): Promise<[first: number, again: number]> {
  let round = 0;
  const first = await fastest(ROUNDS, () => work(round++));
  round = 0;
  return [first, await fastest(ROUNDS, () => work(round++))];
}

async function plainUpserts<R extends Row>(dir: string, { columns }: Sample<R>, batches: readonly R[][]) {
  const table = openPlainTable(join(dir, 'plain.db'), ['series', ...columns], ROWS_PER_CALL);
  const [first, again] = await everyRound((round) => {
    for (const batch of batches) table.upsert(batch.flatMap((row) => [round, ...columns.map((column) => row[column] as number)]));
  });
  table.close();
  return { first, again };
}

/** Durable, idempotent writes of the store beside SQLite itself. */
const bench: Bench = {
  name: 'upsert',
  what: `MarketStore.upsertRows on SQLite, ${ROWS_PER_CALL.toLocaleString('en-US')} rows a call, ${LANES} calls at once, durable`,
  async run() {
    const rows = scaled(300_000, ROWS_PER_CALL);
    return [...(await measure(candles, rows)), ...(await measure(trades, rows))];
  },
};

export default bench;
