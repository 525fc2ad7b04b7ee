import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KafkaBus, openKafkaBus } from '../../../shared/bus/kafka/kafka-bus.ts';
import type { KafkaBusOptions, KafkaTiming } from '../../../shared/bus/kafka/options.ts';
import { type ApiClient, createApiClient } from '../../../shared/cli/client.ts';
import { FUNCTIONS } from '../../../shared/cli/functions.ts';
import type { WorkflowView } from '../../../shared/cli/workflow-client.ts';
import type { Exchange } from '../../../shared/exchanges/exchange.ts';
import { type Host, startHost } from '../../../shared/runtime/host.ts';
import { readSettings } from '../../../shared/runtime/host-settings.ts';
import { type Openers, openersFor, type Stores } from '../../../shared/runtime/ports.ts';
import { createParts } from '../../../shared/runtime/process-parts.ts';
import { type RunningFunction, runFunction } from '../../../shared/runtime/run-function.ts';
import { openSqliteStore } from '../../../shared/store/sqlite/open-sqlite-store.ts';
import { createLogger } from '../../../shared/telemetry/pino-logger.ts';
import { eventually } from '../eventually.ts';
import { createLeapingClock, type LeapingClock } from '../leaping-clock.ts';
import { startTestSimulator, type TestSimulator } from '../simulator.ts';
import { startBroker, type TestBroker } from './broker.ts';
import { QUICK } from './timing.ts';

/** A function that reads Kafka as a member of its own, with its own connections. */
export type Member = RunningFunction;
export type MemberName = 'workflows' | 'fetch' | 'sink';

/** The platform on a broker of its own: a host with the API and what else it is told to run, and functions that come and go beside it. */
export interface KafkaStack {
  readonly broker: TestBroker;
  readonly simulator: TestSimulator;
  readonly clock: LeapingClock;
  readonly stores: Stores;
  readonly host: Host;
  readonly client: ApiClient;
  /** Log lines of all functions, newest last. */
  readonly logs: readonly Readonly<Record<string, unknown>>[];
  /** What runs functions here runs them so elsewhere. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs a function as its own consumer, as `streamforge run <function> --mode kafka` does. */
  join(name: MemberName, kafka?: Partial<KafkaBusOptions>): Promise<Member>;
  /** A bus of the test itself. */
  openBus(): Promise<KafkaBus>;
  startWorkflow(request: unknown): Promise<string>;
  view(queueId: string): Promise<WorkflowView>;
  /** Stops the host and every member: nobody reads. */
  pause(): Promise<void>;
  /** Starts the host again, at another address; members are joined by whoever wants them. */
  resume(): Promise<void>;
  waitFor(queueId: string, deadlineMs?: number): Promise<WorkflowView>;
  stop(): Promise<void>;
}

export interface KafkaStackOptions {
  /** What the host runs; default the API and the fold. */
  readonly hosted?: readonly string[];
  readonly timing?: Partial<KafkaTiming>;
  readonly broker?: TestBroker;
  /** Default: SQLite in a folder of the stack. */
  readonly stores?: Stores;
  readonly env?: Readonly<Record<string, string>>;
  /** Puts something between the functions and the exchange. */
  readonly around?: (exchange: Exchange) => Exchange;
}

const GRACE_MS = 10_000;
/** What is in hand after that is aborted, and comes again at whoever is next. */
const PAUSE_GRACE_MS = 500;
const LONGEST_MS = 120_000;

/** Starts a broker, a simulator and the host. Everything is gone after `stop`. */
export async function startKafkaStack(options: KafkaStackOptions = {}): Promise<KafkaStack> {
  const ending: (() => Promise<unknown>)[] = [];
  const end = async (): Promise<void> => {
    for (const each of ending.splice(0).reverse()) await each();
  };
  try {
    const dir = await mkdtemp(join(tmpdir(), 'streamforge-kafka-stack-'));
    ending.push(() => rm(dir, { recursive: true, force: true }));
    const broker = options.broker ?? (await startBroker());
    if (options.broker === undefined) ending.push(() => broker.remove());
    const simulator = await startTestSimulator({ weightLimit: 1_000_000 });
    ending.push(() => simulator.close());
    const stores = options.stores ?? (await openSqliteStore({ dir }));
    ending.push(() => stores.close());
    return await startFunctions({ options, dir, broker, simulator, stores }, ending, end);
  } catch (error) {
    await end();
    throw error;
  }
}

interface Servers {
  readonly options: KafkaStackOptions;
  readonly dir: string;
  readonly broker: TestBroker;
  readonly simulator: TestSimulator;
  readonly stores: Stores;
}

async function startFunctions(
  { options, dir, broker, simulator, stores }: Servers,
  ending: (() => Promise<unknown>)[],
  stop: () => Promise<void>,
): Promise<KafkaStack> {
  const { around = (exchange) => exchange, hosted = ['workflows', 'stats'], timing = QUICK } = options;
  const logs: Record<string, unknown>[] = [];
  const logger = createLogger({ level: 'info', write: (line) => logs.push(JSON.parse(line) as Record<string, unknown>) });
  const clock = createLeapingClock();
  const bootstrapServers = broker.address.plain;
  const env = { KAFKA_BOOTSTRAP_SERVERS: bootstrapServers, BINANCE_API_URL: simulator.rest, ...options.env };
  const openBus = (kafka: Partial<KafkaBusOptions> = {}): Promise<KafkaBus> => openKafkaBus({ bootstrapServers, timing, ...kafka });
  const { platform } = readSettings([], env, { dataDir: dir });
  const usual = openersFor(platform, createParts([], platform, new AbortController().signal, { logger, clock }));
  const { binance } = usual.exchanges;
  const openers = (kafka?: Partial<KafkaBusOptions>): Openers => ({
    ...usual,
    bus: () => openBus(kafka),
    // Whoever opens the stores shares them: they end with the stack.
    stores: async () => ({ ...stores, close: async () => {} }),
    exchanges: binance === undefined ? {} : { binance: async (given) => around(await binance(given)) },
  });
  const common = { port: 0, dataDir: dir, env, logger, clock, graceMs: GRACE_MS };
  const running = new Set<Pick<Host, 'stop'>>();
  const pause = async (): Promise<void> => {
    await Promise.all([...running].map((each) => each.stop({ graceMs: PAUSE_GRACE_MS })));
    running.clear();
  };
  ending.push(pause);
  const begin = async (): Promise<Host> => {
    const started = await startHost({ ...common, openers: openers(), functions: FUNCTIONS, functionsFilter: hosted });
    running.add(started);
    return started;
  };
  let host = await begin();
  let client = createApiClient(host.url);
  const view = (queueId: string): Promise<WorkflowView> => client.get<WorkflowView>(`/workflows/${queueId}`);
  return {
    ...{ broker, simulator, clock, stores, logs, env, view, stop, pause },
    get host() {
      return host;
    },
    get client() {
      return client;
    },
    async resume() {
      host = await begin();
      client = createApiClient(host.url);
    },
    openBus: () => openBus(),
    async join(name, kafka) {
      const definition = FUNCTIONS.find((each) => each.name === name);
      if (definition === undefined) throw new Error(`There is no function ${name}.`);
      const member = await runFunction({ ...common, openers: openers(kafka), definition, mode: 'kafka' });
      running.add(member);
      return member;
    },
    startWorkflow: async (request) => (await client.post<{ queue_id: string }>('/workflows', request)).queue_id,
    waitFor: (queueId, deadlineMs = LONGEST_MS) =>
      eventually(
        async () => {
          const now = await view(queueId);
          return ['finished', 'error', 'interrupted'].includes(now.status) && now;
        },
        { deadlineMs, everyMs: 50, what: `the end of ${queueId}` },
      ) as Promise<WorkflowView>,
  };
}
