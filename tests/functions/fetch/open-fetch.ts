import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext as NodeTest } from 'node:test';
import type { FetchConfig } from '../../../functions/fetch/config.ts';
import type { Bus, BusRecord } from '../../../shared/bus/bus.ts';
import { openEmbeddedBus } from '../../../shared/bus/embedded/embedded-bus.ts';
import { shardId } from '../../../shared/domain/plan.ts';
import type { StreamEvent } from '../../../shared/events/event.ts';
import { type FetchShard, fetchShard } from '../../../shared/events/fetch-shard.ts';
import { fromRecord } from '../../../shared/events/kafka-codec.ts';
import { fetchTopic, TOPICS } from '../../../shared/events/topics.ts';
import { BinanceExchange } from '../../../shared/exchanges/binance/binance-exchange.ts';
import type { BinanceOptions } from '../../../shared/exchanges/binance/binance-options.ts';
import type { SimulatorOptions } from '../../../shared/exchanges/simulator/options.ts';
import type { Context } from '../../../shared/runtime/context.ts';
import type { ReceivedEvent } from '../../../shared/runtime/define-function.ts';
import { createPublisher } from '../../../shared/runtime/publisher.ts';
import { systemClock } from '../../../shared/runtime/system-clock.ts';
import { openSqliteStore } from '../../../shared/store/sqlite/open-sqlite-store.ts';
import type { WorkflowDocument, WorkflowStore } from '../../../shared/store/workflow-store.ts';
import { createTestContext, type LogEntry, type MetricCall } from '../../support/context.ts';
import { startTestSimulator, type TestSimulator } from '../../support/simulator.ts';
import { aWorkflow } from '../../support/written.ts';

export const QUEUE_ID = 'wf-btcusdt-api_candles_5m-20240801-a1b2c3';
/** 2024-08-01T00:00:00Z. */
export const AUGUST = Date.UTC(2024, 7, 1);
export const HOUR = 3_600_000;

/** A record as an event with its place. */
export interface Sent {
  readonly event: StreamEvent;
  readonly record: BusRecord;
}

/** The function's world: a real log, a real store, a simulated exchange over HTTP. */
export interface FetchBench {
  readonly simulator: TestSimulator;
  readonly exchange: BinanceExchange;
  readonly bus: Bus;
  readonly workflows: WorkflowStore;
  readonly context: Context<FetchConfig>;
  readonly logs: readonly LogEntry[];
  readonly measured: readonly MetricCall[];
  /** Stores the workflow as it is now. */
  setWorkflow(change: Partial<Pick<WorkflowDocument, 'status' | 'attempt'>>): Promise<void>;
  /** Everything that a topic holds, in the order of each partition. */
  sent(topic: string): Promise<Sent[]>;
  /** Requests for market data so far. */
  asked(): Promise<{ readonly path: string; readonly started_at: number; readonly aborted: boolean; readonly ended_at: number | null }[]>;
}

export async function openFetch(
  t: NodeTest,
  simulation: SimulatorOptions = {},
  adapter: Partial<BinanceOptions> = {},
): Promise<FetchBench> {
  const dir = await mkdtemp(join(tmpdir(), 'sf-fetch-'));
  const [simulator, store, bus] = await Promise.all([startTestSimulator(simulation), openSqliteStore({ dir }), openEmbeddedBus({ dir })]);
  await bus.admin.ensureTopics(TOPICS.filter(({ name }) => /history|fetch\.binance|queue-events/.test(name)));
  const { workflows, market } = store;
  const base = createTestContext<FetchConfig>();
  const exchange = new BinanceExchange({
    baseUrl: simulator.rest,
    clock: systemClock,
    random: base.random,
    firstBackoffMs: 5,
    maxBackoffMs: 20,
    ...adapter,
  });
  t.after(async () => {
    await exchange.close();
    await Promise.all([simulator.close(), store.close(), bus.close()]);
    await rm(dir, { recursive: true });
  });
  const made = createTestContext<FetchConfig>({
    functionName: 'fetch',
    config: { leaseSeconds: 60 },
    ports: { bus, workflows, market, exchange: () => exchange },
  });
  const context: Context<FetchConfig> = { ...made, clock: systemClock, publisher: createPublisher(bus, 'fetch', made.metrics) };
  let rev = 0;
  return {
    simulator,
    exchange,
    bus,
    workflows,
    context,
    logs: made.logs,
    measured: made.measured,
    async setWorkflow(change) {
      const document = aWorkflow({ queue_id: QUEUE_ID, status: 'loading', ...change, rev });
      if (await workflows.commitChanges([{ document, shards: [], events: [] }])) rev += 1;
      else throw new Error('the workflow was changed by somebody else');
    },
    async sent(topic) {
      const found: Sent[] = [];
      for await (const records of bus.read({ topic, from: 'earliest', untilEnd: true }))
        found.push(...records.map((record) => ({ event: fromRecord(record), record })));
      return found;
    },
    asked: async () => (await simulator.requests()).filter(({ path }) => /klines|[tT]rades/.test(path)),
  };
}

/** The command for a shard, as the consumer hands it over. */
export function anOrder(series: string, from: number, to: number, over: Partial<FetchShard> = {}): ReceivedEvent<FetchShard> {
  const data: FetchShard = { queue_id: QUEUE_ID, attempt: 1, shard: shardId(series, from, to), try: 1, series, from, to, ...over };
  const event = fetchShard.build(data, { producer: 'workflows', time: AUGUST });
  return { event, position: { topic: fetchTopic('binance'), partition: 3, offset: 17 }, group: 'fetch-binance' };
}
