import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SimulatorClock } from './clock.ts';
import { createControl } from './control.ts';
import { deliver, htmlAnswer } from './deliver.ts';
import { Faults } from './faults.ts';
import { Journal } from './journal.ts';
import { WeightLimits } from './limits.ts';
import type { Market } from './market.ts';
import { type SimulatorOptions, type SimulatorSettings, settleOptions } from './options.ts';
import { createRecordedMarket } from './recording/recorded-market.ts';
import { createRestSide } from './rest-side.ts';
import { createSyntheticMarket } from './synthetic/synthetic-market.ts';

const ADDRESS = '127.0.0.1';
/** Longer than clients keep idle connections, so that a reused one is not closed under them. */
const KEEP_ALIVE_MS = 75_000;

/** A running simulator. */
export interface Simulator {
  /** `http://127.0.0.1:<port>`: what a client takes as the exchange's base URL. */
  readonly rest: string;
  readonly ws: string;
  /** Files of the recording that were passed over, each with the reason. */
  readonly notes: readonly string[];
  /** Stops listening and cuts what is open; may be called again. */
  close(): Promise<void>;
}

/**
 * Starts an exchange on 127.0.0.1 that speaks Binance's REST protocol over a synthetic or a recorded market, and `/_sim/` beside it
 * (`contracts.md`, *The simulator*). Streams are refused with 501 until they are simulated. Throws `BadOption` and `BadFault` for the options.
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const settings = settleOptions(options);
  const { market, notes } = openMarket(settings);
  const symbols = new Map(market.symbols.map((symbol) => [symbol.symbol, symbol]));
  const clock = new SimulatorClock(settings.now ?? market.defaultNow, settings.speed);
  const [faults, journal, limits] = [new Faults(), new Journal(), new WeightLimits(settings.weightLimit, clock)];
  faults.add(settings.faults);
  const cachedBytes = settings.pageCacheMib * 1_048_576;
  const answerRest = createRestSide({ market, symbols, clock, limits, faults, journal, cachedBytes });
  const answerControl = createControl({ symbols, clock, faults, journal });

  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    const url = openDoor(request);
    if (url === undefined) {
      refuse(response);
      return;
    }
    try {
      if (!url.pathname.startsWith('/_sim/')) answerRest(request, response, url);
      else answerControl(request, response, url).catch((error: unknown) => fail(response, error));
    } catch (error) {
      fail(response, error);
    }
  });
  server.on('upgrade', (_request, socket) => {
    socket.end('HTTP/1.1 501 Not Implemented\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  });
  server.listen(settings.port, ADDRESS);
  await once(server, 'listening');
  const host = `${ADDRESS}:${(server.address() as AddressInfo).port}`;

  let closed: Promise<unknown> | undefined;

  return {
    rest: `http://${host}`,
    ws: `ws://${host}`,
    notes,
    async close() {
      closed ??= once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function openMarket(settings: SimulatorSettings): { market: Market; notes: readonly string[] } {
  if (settings.recording === undefined) return { market: createSyntheticMarket(settings), notes: [] };
  const market = createRecordedMarket(settings.recording);
  return { market, notes: market.notes };
}

/**
 * Only a caller that names this machine as the host may come in, and no page of another origin: a browser that was lured here by a changed DNS
 * name stays outside.
 */
function openDoor(request: IncomingMessage): URL | undefined {
  const port = request.socket.localPort;
  const names = [`${ADDRESS}:${port}`, `localhost:${port}`];
  const { host, origin } = request.headers;
  if (host === undefined || !names.includes(host.toLowerCase())) return undefined;
  if (origin !== undefined && !names.some((name) => origin.toLowerCase() === `http://${name}`)) return undefined;
  return URL.parse(request.url ?? '/', `http://${host}`) ?? undefined;
}

function refuse(response: ServerResponse): void {
  deliver(response, htmlAnswer(403, '403 Forbidden'), undefined);
}

/** A defect of the simulator itself: said in the answer, because whoever tests against it must not take it for the exchange's. */
function fail(response: ServerResponse, error: unknown): void {
  const text = JSON.stringify({ simulator_error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(500, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}
