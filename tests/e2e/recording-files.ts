import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { seededRandom } from '../../shared/runtime/random.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** The archive counts in microseconds from here on. */
const MICROSECONDS_FROM = Date.UTC(2025, 0, 1);
const next = seededRandom(2_025).next;
const whole = (from: number, to: number): number => from + Math.floor(next() * (to - from));

/** One day before the archive's change of units, and one behind it. */
export const FIRST_DAY = Date.UTC(2024, 11, 31);
export const END = Date.UTC(2025, 0, 2);
/** The hour that nobody recorded. */
export const REMOVED = { from: Date.UTC(2024, 11, 31, 12), to: Date.UTC(2024, 11, 31, 13) };
/** The millisecond with more trades than one page holds. */
export const CROWDED = Date.UTC(2025, 0, 1, 0, 30, 0, 123);

/** A line of a source file with its time in ms: columns as text, as they were written. */
export type SourceRow = readonly string[];

/** What stands in the files, by series. */
export interface Recorded {
  readonly dir: string;
  readonly rows: ReadonlyMap<string, readonly SourceRow[]>;
}

/** `123` with two decimals is `1.23`. */
function decimal(units: number, decimals: number): string {
  const digits = String(units).padStart(decimals + 1, '0');
  return decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

const isRemoved = (time: number): boolean => time >= REMOVED.from && time < REMOVED.to;
const inArchiveUnit = (ms: number, below = 0): string => (ms >= MICROSECONDS_FROM ? String(ms * 1_000 + below) : String(ms));

/** A market's numbers: price steps as `10^-decimals`, quantities likewise. */
interface Steps {
  readonly price: number;
  readonly priceDecimals: number;
  readonly quantityDecimals: number;
  readonly mostQuantity: number;
}

function* walk({ price, priceDecimals }: Steps): Generator<{ open: string; high: string; low: string; close: string }, never, undefined> {
  for (let open = price; ; ) {
    const close = Math.max(2, open + whole(-9, 10));
    const [high, low] = [Math.max(open, close) + whole(0, 5), Math.max(1, Math.min(open, close) - whole(0, 2))];
    yield {
      open: decimal(open, priceDecimals),
      high: decimal(high, priceDecimals),
      low: decimal(low, priceDecimals),
      close: decimal(close, priceDecimals),
    };
    open = close;
  }
}

/** Candles as the archive has them: twelve columns, ms before 2025 and µs since, one hour removed, some of them flat. */
function archiveCandles(steps: Steps, minutes: number): SourceRow[] {
  const rows: SourceRow[] = [];
  const prices = walk(steps);
  for (let open = FIRST_DAY; open < END; open += minutes * MINUTE) {
    const { value } = prices.next();
    if (isRemoved(open)) continue;
    const isFlat = whole(0, 25) === 0;
    const [volume, taker] = isFlat ? [0, 0] : [whole(1, steps.mostQuantity), whole(0, 2)].sort((a, b) => b - a);
    const flat = isFlat ? { high: value.open, low: value.open, close: value.open } : {};
    const { open: first, high, low, close } = { ...value, ...flat };
    // A total of up to seventeen digits: the nearest double stands for it.
    const quote = isFlat ? '0.00000000' : `${whole(1, 999_999_999)}.${String(whole(0, 100_000_000)).padStart(8, '0')}`;
    const times = [inArchiveUnit(open), inArchiveUnit(open + minutes * MINUTE - 1, 999)] as const;
    const base = decimal(volume ?? 0, steps.quantityDecimals);
    const count = isFlat ? '0' : String(whole(1, 5_000));
    rows.push([
      times[0],
      first,
      high,
      low,
      close,
      base,
      times[1],
      quote,
      count,
      decimal(taker ?? 0, steps.quantityDecimals),
      isFlat ? '0.00000000' : '0.5',
      '0',
    ]);
  }
  return rows;
}

/** Candles of another recorder: open time, prices and volume, nothing else. */
function bareCandles(steps: Steps, minutes: number): SourceRow[] {
  return archiveCandles(steps, minutes).map((row) => [
    String(Math.floor(Number(row[0]) / (Number(row[0]) > 1e14 ? 1_000 : 1))),
    ...row.slice(1, 6),
  ]);
}

/** Trades over the change of units; 1,300 of them in one millisecond, at times of their own below it and many at the very same one. */
function archiveTrades(steps: Steps, firstId: number): SourceRow[] {
  const rows: SourceRow[] = [];
  const prices = walk(steps);
  const add = (ms: number, below: number): void => {
    const price = prices.next().value.close;
    const quantity = decimal(whole(1, steps.mostQuantity), steps.quantityDecimals);
    const quote = `${whole(0, 99_999_999)}.${String(whole(0, 100_000_000)).padStart(8, '0')}`;
    const side = whole(0, 2) === 0 ? 'True' : 'False';
    rows.push([String(firstId + rows.length), price, quantity, quote, inArchiveUnit(ms, below), side, 'True']);
  };
  for (let time = MICROSECONDS_FROM - HOUR; time < CROWDED; time += whole(500, 9_000)) add(time, whole(0, 1_000));
  for (let crowd = 0; crowd < 1_300; crowd += 1) add(CROWDED, Math.min(999, Math.floor(crowd / 2)));
  for (let time = CROWDED + 1; time < MICROSECONDS_FROM + HOUR; time += whole(500, 9_000)) add(time, whole(0, 1_000));
  return rows;
}

/** Aggregates with an hour of them removed: ids are missing there. */
function archiveAggregates(steps: Steps, firstId: number): SourceRow[] {
  const rows: SourceRow[] = [];
  const prices = walk(steps);
  let [id, trade] = [firstId, firstId * 3];
  for (let time = REMOVED.from - HOUR / 2; time < REMOVED.to + HOUR / 2; time += whole(500, 9_000)) {
    const fills = whole(1, 4);
    const quantity = decimal(whole(1, steps.mostQuantity), steps.quantityDecimals);
    const row = [
      id,
      prices.next().value.close,
      quantity,
      trade,
      trade + fills - 1,
      inArchiveUnit(time),
      whole(0, 2) === 0 ? 'True' : 'False',
      'True',
    ];
    if (!isRemoved(time)) rows.push(row.map(String));
    id += 1;
    trade += fills;
  }
  return rows;
}

const lines = (rows: readonly SourceRow[]): string => rows.map((row) => `${row.join(',')}\n`).join('');
const before2025 =
  (column: number) =>
  (row: SourceRow): boolean =>
    Number(row[column]) < 1e14;

/** Writes a folder of recordings, small and odd: files of both units, a header, gzip, JSON, tick sizes from 0.1 to 0.00000001, symbols that begin with digits. */
export async function writeRecordings(dir: string): Promise<Recorded> {
  const btc = archiveCandles({ price: 9_650_000, priceDecimals: 2, quantityDecimals: 5, mostQuantity: 90_000_000 }, 5);
  const sats = archiveCandles({ price: 2_341, priceDecimals: 7, quantityDecimals: 0, mostQuantity: 900_000_000_000 }, 15);
  const shib = bareCandles({ price: 75, priceDecimals: 8, quantityDecimals: 1, mostQuantity: 90_000_000 }, 60);
  const trades = archiveTrades({ price: 66_605, priceDecimals: 1, quantityDecimals: 4, mostQuantity: 500_000 }, 2_100_000_001);
  const aggregates = archiveAggregates({ price: 18_915, priceDecimals: 3, quantityDecimals: 3, mostQuantity: 500_000 }, 77_001);
  const header = 'open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore\n';
  const files: Readonly<Record<string, string | Buffer>> = {
    'BTCUSDT-5m-2024-12.csv': lines(btc.filter(before2025(0))),
    'BTCUSDT-5m-2025-01.csv': lines(btc.filter((row) => !before2025(0)(row))),
    '1000SATSUSDT-15m-2024-12-31.csv': header + lines(sats.filter(before2025(0))),
    '1000SATSUSDT-15m-2025-01-01.csv.gz': gzipSync(header + lines(sats.filter((row) => !before2025(0)(row)))),
    'SHIB_USDT-1h.json': JSON.stringify(shib.map((row) => row.map(Number))),
    'ETHUSDT-trades-2024-12-31.csv': lines(trades.filter(before2025(4))),
    'ETHUSDT-trades-2025-01-01.csv': lines(trades.filter((row) => !before2025(4)(row))),
    'SOLUSDT-aggTrades-2024-12-31.csv': lines(aggregates),
  };
  await mkdir(dir, { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeFile(join(dir, name), content);
  return {
    dir,
    rows: new Map([
      ['binance:BTCUSDT:candles:5m', btc],
      ['binance:1000SATSUSDT:candles:15m', sats],
      ['binance:SHIBUSDT:candles:1h', shib],
      ['binance:ETHUSDT:trades', trades],
      ['binance:SOLUSDT:agg-trades', aggregates],
    ]),
  };
}
