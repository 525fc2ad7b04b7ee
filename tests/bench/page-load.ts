import { Pool } from 'undici';
import { CANDLES_PER_SHARD } from '../../shared/domain/plan.ts';
import { sideBySide } from './bench.ts';

const MINUTE_MS = 60_000;
/** Symbols of the synthetic market that trade from its first day on. */
const SYMBOLS = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'ADAUSDT', 'XRPUSDT'] as const;
const FROM = Date.UTC(2022, 0, 1);

/** Requests in flight at once: as many as `fetch` has partitions. */
export const IN_FLIGHT = 12;

/** Minute candles of five symbols, `rows` in all. */
export interface PageLoad {
  readonly rows: number;
  /** What `POST /workflows` takes. */
  readonly request: object;
  /** The pages that it takes. */
  readonly paths: readonly string[];
}

/** A load of about so many rows, in whole pages. */
export function pageLoad(rows: number): PageLoad {
  const pages = Math.max(1, Math.round(rows / CANDLES_PER_SHARD / SYMBOLS.length));
  const pageMs = CANDLES_PER_SHARD * MINUTE_MS;
  const to = FROM + pages * pageMs;
  const range = [FROM, to].map((time) => new Date(time).toISOString()).join('/');
  const paths = SYMBOLS.flatMap((symbol) =>
    Array.from({ length: pages }, (_, page) => {
      const from = FROM + page * pageMs;
      return `/api/v3/klines?symbol=${symbol}&interval=1m&startTime=${from}&endTime=${from + pageMs - 1}&limit=${CANDLES_PER_SHARD}`;
    }),
  );
  return {
    rows: paths.length * CANDLES_PER_SHARD,
    request: { exchange: 'binance', loads: [{ symbols: SYMBOLS, types: ['api_candles_1m'] }], time_range: range },
    paths,
  };
}

/** Fetches pages over kept connections and hands each one's bytes on. */
export async function fetchPages(
  base: string,
  paths: readonly string[],
  onPage: (bytes: ArrayBuffer, page: number) => void,
): Promise<void> {
  const pool = new Pool(base, { connections: IN_FLIGHT });
  try {
    await sideBySide(IN_FLIGHT, paths.length, async (page) => {
      const { statusCode, body } = await pool.request({ path: paths[page] as string, method: 'GET' });
      const bytes = await body.arrayBuffer();
      if (statusCode !== 200) throw new Error(`${paths[page]} was answered with ${statusCode}`);
      onPage(bytes, page);
    });
  } finally {
    await pool.close();
  }
}
