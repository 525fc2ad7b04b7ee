import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A kline in the exchange's own form: 12 columns. */
export type WireKline = readonly unknown[];
/** A trade, from which trades and aggregates are answered: one aggregate a trade unless `agg` groups them. */
export interface WireTrade {
  readonly id: number;
  readonly timeUs: number;
  readonly price: string;
  readonly quantity: string;
  readonly buyerIsMaker: boolean;
}

/** What the scripted exchange has of one symbol. */
export interface WireMarket {
  readonly status?: string;
  /** By interval. */
  readonly klines?: Readonly<Record<string, readonly WireKline[]>>;
  readonly trades?: readonly WireTrade[];
}

/** One request as the server saw it; `at` is the server's clock. */
export interface SeenRequest {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly at: number;
}

/** An answer that a script gives instead of the usual one, or a way to break it. */
export interface ScriptedAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Bytes after which the connection is torn down. */
  readonly resetAfter?: number;
  /** Bytes after which the body ends as if it were whole. */
  readonly truncateAfter?: number;
  /** Sends the head and then nothing. */
  readonly stall?: boolean;
}

/** Sees every request with the rows that would be answered; what it returns changes the answer. */
export type Script = (
  request: SeenRequest,
  rows: readonly unknown[] | undefined,
  nth: number,
) => ScriptedAnswer | readonly unknown[] | undefined;

export interface ScriptedExchange {
  readonly url: string;
  readonly requests: SeenRequest[];
  /** Requests to a path that ends so. */
  asked(path: string): SeenRequest[];
  script(script: Script | undefined): void;
  close(): Promise<void>;
}

const DEFAULT_LIMIT = 500;

/** A small exchange of its own for tests: real HTTP, rows from memory, and a script that may answer otherwise. */
export async function startScriptedExchange(options: {
  readonly markets: Readonly<Record<string, WireMarket>>;
  readonly now: () => number;
  readonly weightLimit?: number;
}): Promise<ScriptedExchange> {
  const { markets, now, weightLimit = 6_000 } = options;
  const requests: SeenRequest[] = [];
  let script: Script | undefined;
  let minute = -1;
  let used = 0;

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const seen: SeenRequest = { path: url.pathname, query: url.searchParams, at: now() };
    requests.push(seen);
    if (Math.floor(seen.at / 60_000) !== minute) used = 0;
    minute = Math.floor(seen.at / 60_000);
    used += WEIGHTS[url.pathname] ?? 1;
    const headers = { date: new Date(seen.at).toUTCString(), 'x-mbx-used-weight-1m': String(used), 'content-type': 'application/json' };
    const isMicro = request.headers['x-mbx-time-unit'] === 'MICROSECOND';
    const usual = answerOf(seen, { markets, now: seen.at, weightLimit, isMicro });
    const rows = Array.isArray(usual) ? (usual as readonly unknown[]) : undefined;
    const scripted = script?.(seen, rows, requests.filter(({ path }) => path === seen.path).length);
    if (Array.isArray(scripted)) send(response, { headers, body: JSON.stringify(scripted) });
    else if (scripted !== undefined)
      send(response, {
        body: JSON.stringify(usual),
        ...(scripted as ScriptedAnswer),
        headers: { ...headers, ...(scripted as ScriptedAnswer).headers },
      });
    else if (usual === undefined) send(response, { status: 400, headers, body: '{"code":-1121,"msg":"Invalid symbol."}' });
    else send(response, { headers, body: JSON.stringify(usual) });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    asked: (path) => requests.filter((request) => request.path.endsWith(path)),
    script(next) {
      script = next;
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

const WEIGHTS: Readonly<Record<string, number>> = {
  '/api/v3/exchangeInfo': 20,
  '/api/v3/klines': 2,
  '/api/v3/aggTrades': 4,
  '/api/v3/historicalTrades': 25,
  '/api/v3/depth': 5,
};

function send(response: ServerResponse, { status = 200, headers = {}, body = '', resetAfter, truncateAfter, stall }: ScriptedAnswer): void {
  const bytes = Buffer.from(body);
  const whole = truncateAfter === undefined ? bytes : bytes.subarray(0, truncateAfter);
  response.writeHead(status, { ...headers, 'content-length': whole.length });
  if (stall) response.write(whole.subarray(0, 1));
  else if (resetAfter === undefined) response.end(whole);
  else response.write(whole.subarray(0, resetAfter), () => response.socket?.resetAndDestroy());
}

interface Facts {
  readonly markets: Readonly<Record<string, WireMarket>>;
  readonly now: number;
  readonly weightLimit: number;
  readonly isMicro: boolean;
}

function answerOf({ path, query }: SeenRequest, { markets, now, weightLimit, isMicro }: Facts): unknown {
  if (path === '/api/v3/time') return { serverTime: now };
  if (path === '/api/v3/exchangeInfo') {
    const rateLimits = [{ rateLimitType: 'REQUEST_WEIGHT', interval: 'MINUTE', intervalNum: 1, limit: weightLimit }];
    const symbols = Object.entries(markets).map(([symbol, market]) => ({
      symbol,
      status: market.status ?? 'TRADING',
      baseAsset: symbol.slice(0, 3),
      quoteAsset: symbol.slice(3),
      filters: [
        { filterType: 'PRICE_FILTER', tickSize: '0.01000000' },
        { filterType: 'LOT_SIZE', stepSize: '0.00000000' },
      ],
    }));
    return { timezone: 'UTC', serverTime: now, rateLimits, symbols };
  }
  const market = markets[query.get('symbol') ?? ''];
  if (market === undefined) return undefined;
  const number = (name: string): number | undefined => (query.has(name) ? Number(query.get(name)) : undefined);
  const limit = number('limit') ?? DEFAULT_LIMIT;
  const pick = <R>(rows: readonly R[], isAfter: (row: R) => boolean): R[] =>
    isForward() ? rows.filter(isAfter).slice(0, limit) : rows.filter(isAfter).slice(-limit);
  const isForward = (): boolean => query.has('startTime') || query.has('fromId');
  const [start, end] = [number('startTime') ?? Number.NEGATIVE_INFINITY, number('endTime') ?? Number.POSITIVE_INFINITY];
  if (path === '/api/v3/klines') {
    const rows = market.klines?.[query.get('interval') ?? ''] ?? [];
    return pick(rows, ([open]) => (open as number) >= start && (open as number) <= Math.min(end, now));
  }
  const fromId = number('fromId') ?? Number.NEGATIVE_INFINITY;
  const trades = (market.trades ?? []).filter(({ timeUs }) => timeUs <= now * 1000);
  const chosen = pick(trades, ({ id, timeUs }) => id >= fromId && timeUs >= start * 1000 && timeUs <= end * 1000 + 999);
  const time = (timeUs: number): number => (isMicro ? timeUs : Math.floor(timeUs / 1000));
  if (path === '/api/v3/aggTrades')
    return chosen.map(({ id, timeUs, price, quantity, buyerIsMaker }) => ({
      a: id,
      p: price,
      q: quantity,
      f: id,
      l: id,
      T: time(timeUs),
      m: buyerIsMaker,
      M: true,
    }));
  if (path === '/api/v3/historicalTrades')
    return chosen.map(({ id, timeUs, price, quantity, buyerIsMaker }) => ({
      id,
      price,
      qty: quantity,
      quoteQty: (Number(price) * Number(quantity)).toFixed(8),
      time: time(timeUs),
      isBuyerMaker: buyerIsMaker,
      isBestMatch: true,
    }));
  if (path === '/api/v3/depth')
    return { lastUpdateId: 50093239218, bids: [['61837.63000000', '3.78826000']], asks: [['61837.64000000', '1.54698000']] };
  return undefined;
}
