import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import type { SimulatorClock } from './clock.ts';
import { BadFault, type Faults, parseFaults } from './faults.ts';
import type { Journal } from './journal.ts';
import type { SymbolMarket } from './market.ts';
import { NoTruth, tellTruth } from './truth.ts';

const MOST_BODY_BYTES = 256 * 1_024;

/** What the calls under `/_sim/` look at and change. */
export interface ControlParts {
  readonly symbols: ReadonlyMap<string, SymbolMarket>;
  readonly clock: SimulatorClock;
  readonly faults: Faults;
  readonly journal: Journal;
}

/** A call that is refused: a status and a reason for whoever wrote it. */
class Refused extends Error {
  readonly status: number;
  readonly detail: unknown;

  constructor(status: number, message: string, detail?: unknown) {
    super(message);
    this.status = status;
    this.detail = detail;
  }
}

const clockChange = z.strictObject({
  now: z.union([z.number().int().min(0), z.iso.datetime({ offset: true })]).optional(),
  /** Moves the clock on by this much. */
  advance_ms: z.number().int().min(0).optional(),
  speed: z.number().min(0).max(100_000).optional(),
});

/** The calls under `/_sim/`: what a test needs to know of the simulator, and what it tells it to do. */
export function createControl(parts: ControlParts): (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<void> {
  const { symbols, clock, faults, journal } = parts;
  const clockState = (): unknown => ({ now: clock.now(), speed: clock.speed });

  const routes: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse, url: URL) => Promise<unknown> | unknown>> = {
    'GET /_sim/truth': (_request, response, url) => sendTruth(response, url),
    'GET /_sim/requests': (_request, _response, url) => journal.after(readNumber(url, 'since', 0)),
    'GET /_sim/faults': () => faults.list(),
    'POST /_sim/faults': async (request) => faults.add(parseFaults(await readJson(request))),
    'DELETE /_sim/faults': () => ({ removed: faults.clear() }),
    'GET /_sim/clock': clockState,
    'POST /_sim/clock': async (request) => {
      const change = clockChange.safeParse(await readJson(request));
      if (!change.success) throw new Refused(400, 'not a change of the clock', change.error.issues);
      const { now, advance_ms: advance, speed } = change.data;
      if (now !== undefined && advance !== undefined) throw new Refused(400, 'now and advance_ms exclude each other');
      const target = typeof now === 'string' ? Date.parse(now) : (now ?? (advance === undefined ? undefined : clock.now() + advance));
      clock.set({ ...(target === undefined ? {} : { now: target }), ...(speed === undefined ? {} : { speed }) });
      return clockState();
    },
  };

  async function sendTruth(response: ServerResponse, url: URL): Promise<undefined> {
    const series = url.searchParams.get('series');
    if (series === null) throw new Refused(400, 'series is missing; for instance series=binance:BTCUSDT:candles:5m');
    const now = clock.now();
    const range = { from: readNumber(url, 'from', 0), to: readNumber(url, 'to', now + 1), now };
    const lines = tellTruth(symbols, series, range);
    let next = lines.next();
    response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
    for (; !next.done; next = lines.next()) {
      if (!response.write(next.value)) await drained(response);
      if (response.destroyed) return undefined;
    }
    response.end();
    return undefined;
  }

  return async (request, response, url) => {
    try {
      const route = routes[`${request.method} ${url.pathname}`];
      if (route === undefined)
        throw new Refused(404, `${request.method} ${url.pathname} is not here; there are ${Object.keys(routes).join(', ')}`);
      const body = await route(request, response, url);
      if (body !== undefined) sendJson(response, 200, body);
    } catch (error) {
      if (error instanceof Refused) sendJson(response, error.status, { error: error.message, detail: error.detail });
      else if (error instanceof BadFault) sendJson(response, 400, { error: error.message, detail: error.problems });
      else if (error instanceof NoTruth) sendJson(response, 404, { error: error.message });
      else throw error;
    }
  };
}

/** Resolves when the caller has read what is on its way, or has gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}

function readNumber(url: URL, name: string, fallback: number): number {
  const text = url.searchParams.get(name);
  if (text === null) return fallback;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isNaN(value)) throw new Refused(400, `${name} is neither epoch milliseconds nor an ISO instant`);
  return value;
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw new Refused(415, 'the body must be application/json');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_BODY_BYTES) throw new Refused(413, `the body is larger than ${MOST_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) throw new Refused(400, 'the body is not JSON');
    throw error;
  }
}
