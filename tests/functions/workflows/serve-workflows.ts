import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkflowsConfig } from '../../../functions/workflows/config.ts';
import { GROUP } from '../../../functions/workflows/group.ts';
import { handleBatch, routes } from '../../../functions/workflows/handle.ts';
import type { Bus, BusRecord } from '../../../shared/bus/bus.ts';
import { openEmbeddedBus } from '../../../shared/bus/embedded/embedded-bus.ts';
import type { StreamEvent } from '../../../shared/events/event.ts';
import { fromRecord } from '../../../shared/events/kafka-codec.ts';
import { QUEUE_EVENTS, TOPICS } from '../../../shared/events/topics.ts';
import { BinanceExchange } from '../../../shared/exchanges/binance/binance-exchange.ts';
import type { Exchange } from '../../../shared/exchanges/exchange.ts';
import type { Clock, Context } from '../../../shared/runtime/context.ts';
import type { EventOutcome } from '../../../shared/runtime/define-function.ts';
import { mountRoutes } from '../../../shared/runtime/http/mounted-route.ts';
import { startHttpServer } from '../../../shared/runtime/http-server.ts';
import type { Stores } from '../../../shared/runtime/ports.ts';
import { createPublisher } from '../../../shared/runtime/publisher.ts';
import { systemClock } from '../../../shared/runtime/system-clock.ts';
import { openSqliteStore } from '../../../shared/store/sqlite/open-sqlite-store.ts';
import { createTestContext, type LogEntry } from '../../support/context.ts';
import { startTestSimulator, type TestSimulator } from '../../support/simulator.ts';

/** An answer of the API; `json` fails for what is none. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: an answer is asserted field by field
  json(): any;
}

/** The function over real HTTP, on a real log and a real store in a folder of its own, with a simulated exchange. */
export interface ServedWorkflows {
  readonly dir: string;
  readonly url: string;
  readonly bus: Bus;
  readonly stores: Stores;
  readonly simulator: TestSimulator;
  readonly context: Context<WorkflowsConfig>;
  readonly logs: readonly LogEntry[];
  call(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Every event of a topic so far, in the order of each partition. */
  events(topic: string): Promise<StreamEvent[]>;
  /** Folds what is new in `queue-events`, until nothing new comes of it. */
  fold(): Promise<void>;
  /** Appends events to where their contracts want them. */
  append(...events: readonly StreamEvent[]): Promise<void>;
  /** Commits for the group what `fold` has folded, as its consumer would. */
  commit(): Promise<void>;
  close(): Promise<void>;
}

export interface ServeOptions {
  readonly config?: Partial<WorkflowsConfig>;
  readonly clock?: Clock;
  readonly exchange?: Exchange;
}

const CONFIG: WorkflowsConfig = { maxPlanShards: 20_000, silentSeconds: 120, exchangeSeconds: 5 };

export async function serveWorkflows({ config = {}, clock = systemClock, exchange }: ServeOptions = {}): Promise<ServedWorkflows> {
  const dir = await mkdtemp(join(tmpdir(), 'workflows-'));
  const [bus, stores, simulator] = await Promise.all([openEmbeddedBus({ dir }), openSqliteStore({ dir }), startTestSimulator()]);
  await bus.admin.ensureTopics(TOPICS);
  const { market, workflows, graphs, models } = stores;
  const test = createTestContext<WorkflowsConfig>({ functionName: 'workflows', config: { ...CONFIG, ...config } });
  const binance =
    exchange ??
    new BinanceExchange({
      baseUrl: simulator.rest,
      clock: systemClock,
      random: test.random,
      tries: 2,
      firstBackoffMs: 5,
      maxBackoffMs: 20,
    });
  const ports = { bus, market, workflows, graphs, models, exchange: () => binance };
  const context: Context<WorkflowsConfig> = {
    ...test,
    clock,
    ports: ports as unknown as Context['ports'],
    publisher: createPublisher(bus, 'workflows', test.metrics),
  };
  const server = await startHttpServer({ ...context, host: '127.0.0.1', port: 0, routes: mountRoutes(routes, context) });
  const folded = new Map<number, number>();

  const read = async (topic: string, from: Readonly<Record<number, number>> = {}): Promise<BusRecord[]> => {
    const records: BusRecord[] = [];
    for await (const page of bus.read({ topic, from, untilEnd: true })) records.push(...page);
    return records;
  };
  const check = (outcomes: readonly EventOutcome[]): void => {
    for (const outcome of outcomes) if (!outcome.ok) throw outcome.error;
  };

  return {
    dir,
    url: server.url,
    bus,
    stores,
    simulator,
    context,
    logs: test.logs,
    async call(method, path, body, headers = {}) {
      const response = await fetch(server.url + path, {
        method,
        headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text) };
    },
    events: async (topic) => (await read(topic)).map(fromRecord),
    async fold() {
      for (;;) {
        const records = await read(QUEUE_EVENTS, Object.fromEntries(folded));
        if (records.length === 0) return;
        for (const group of Map.groupBy(records, ({ partition }) => partition).values()) {
          check(
            await handleBatch(
              group.map((record) => ({ event: fromRecord(record), position: record, group: GROUP })),
              context,
            ),
          );
          for (const { partition, offset } of group) folded.set(partition, offset + 1);
        }
      }
    },
    append: (...events) => context.publisher.publish(events),
    async commit() {
      const offsets = [...folded].map(([partition, offset]) => ({ partition, offset }));
      await bus.admin.resetOffsets(GROUP, QUEUE_EVENTS, offsets);
    },
    async close() {
      await server.close();
      await binance.close();
      await simulator.close();
      await bus.close();
      await stores.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
