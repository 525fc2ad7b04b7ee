import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SimulatorClock } from './clock.ts';
import { type Answer, deliver, htmlAnswer, jsonAnswer, spoil } from './deliver.ts';
import type { Faults } from './faults.ts';
import type { Journal } from './journal.ts';
import type { WeightLimits } from './limits.ts';
import type { Market, SymbolMarket } from './market.ts';
import { ApiError } from './rest/api-error.ts';
import type { Endpoint } from './rest/call.ts';
import { ENDPOINTS } from './rest/endpoints.ts';
import { PageCache } from './rest/page-cache.ts';
import { Parameters } from './rest/parameters.ts';

/** What the exchange's side is made of. */
export interface RestParts {
  readonly market: Market;
  readonly symbols: ReadonlyMap<string, SymbolMarket>;
  readonly clock: SimulatorClock;
  readonly limits: WeightLimits;
  readonly faults: Faults;
  readonly journal: Journal;
  /** Bytes of rendered candles that are kept. */
  readonly cachedBytes: number;
}

/** The exchange's side of the simulator: counts, refuses, answers, and spoils answers as it was told to. */
export function createRestSide(parts: RestParts): (request: IncomingMessage, response: ServerResponse, url: URL) => void {
  const { market, symbols, clock, limits, faults, journal, cachedBytes } = parts;
  const pages = new PageCache(cachedBytes);
  /** The page answered last to each path and symbol: what a stale cache would hold. */
  const lastPages = new Map<string, readonly Buffer[]>();

  return (request, response, url) => {
    const method = request.method ?? 'GET';
    const { pathname, searchParams: query } = url;
    const endpoint = ENDPOINTS.get(pathname);
    const entry = journal.begin(method, pathname, query);
    response.once('close', () => journal.end(entry, !response.writableFinished));
    response.once('finish', () => journal.end(entry, false));
    entry.weight = endpoint?.weight(query) ?? 1;
    const refusal = limits.charge(entry.weight);
    const weightHeaders = { 'X-MBX-USED-WEIGHT': String(limits.used), 'X-MBX-USED-WEIGHT-1M': String(limits.used) };

    if (refusal !== undefined) {
      entry.status = refusal.status;
      deliver(
        response,
        jsonAnswer(refusal.status, refusal.body, { ...weightHeaders, 'Retry-After': String(refusal.retryAfterSeconds) }),
        undefined,
      );
      return;
    }
    const answer = withHeaders(answerOf(request, method, query, endpoint), weightHeaders);
    const symbol = query.get('symbol');
    const isPage = endpoint?.isPage === true && answer.status === 200;
    const fault = faults.take({ path: pathname, symbol, fromId: query.get('fromId'), isPage });
    const key = `${pathname}|${symbol}`;
    const sent = fault === undefined ? answer : spoil(answer, fault, lastPages.get(key));
    if (isPage) lastPages.set(key, answer.parts);
    entry.status = sent.status;
    entry.fault = fault?.do ?? null;
    deliver(response, sent, fault);
  };

  function answerOf(request: IncomingMessage, method: string, query: URLSearchParams, endpoint: Endpoint | undefined): Answer {
    if (endpoint === undefined) return htmlAnswer(404, '404 Not Found');
    if (method !== 'GET') return htmlAnswer(405, '405 Method Not Allowed');
    try {
      const body = endpoint.answer({
        parameters: new Parameters(query, endpoint.parameters, symbols),
        market,
        symbols,
        now: clock.now(),
        inMicroseconds: /^microsecond$/i.test(String(request.headers['x-mbx-time-unit'] ?? '')),
        weightLimit: limits.limit,
        pages,
      });
      return jsonAnswer(200, body);
    } catch (error) {
      if (error instanceof ApiError) return jsonAnswer(error.status, error.body());
      throw error;
    }
  }
}

function withHeaders(answer: Answer, headers: Readonly<Record<string, string>>): Answer {
  return { ...answer, headers: { ...answer.headers, ...headers } };
}
