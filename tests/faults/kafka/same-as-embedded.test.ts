import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createApiClient } from '../../../shared/cli/client.ts';
import { startDistributedPlatform } from '../../../shared/cli/demo/distributed-platform.ts';
import { startEmbeddedPlatform } from '../../../shared/cli/demo/embedded-platform.ts';
import type { DemoPlatform } from '../../../shared/cli/demo/platform.ts';
import { type StartedWorkflow, waitForWorkflow } from '../../../shared/cli/workflow-client.ts';
import type { Coverage, LedgerMonth } from '../../../shared/domain/coverage.ts';
import { rowKey } from '../../../shared/domain/row-key.ts';
import type { Row } from '../../../shared/domain/rows.ts';
import { parseSeriesId } from '../../../shared/domain/series.ts';
import { type GraphDocument, RELATIONS } from '../../../shared/store/graph-store.ts';
import { createLogger } from '../../../shared/telemetry/pino-logger.ts';
import { withoutBrokers } from '../../support/kafka/shared-broker.ts';
import { withoutMinio } from '../../support/minio/minio-binary.ts';
import { startSimulatorProcess, type TestSimulator } from '../../support/simulator.ts';
import { assertSameRows, truthOf } from '../../support/truth.ts';

const SYMBOLS = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT'];
const [FROM, TO] = [Date.UTC(2024, 7, 1), Date.UTC(2024, 7, 4)];
const TRADES_FROM = Date.UTC(2024, 7, 3);
const CANDLES = SYMBOLS.map((symbol) => `binance:${symbol}:candles:5m`);
const TRADES = 'binance:BTCUSDT:agg-trades';
const REQUESTS = [
  {
    ...{ exchange: 'binance', symbols: SYMBOLS, type: 'api_candles_5m', time_range: '2024-08-01:2024-08-03' },
    stages: ['load', 'build-graph', 'train'],
    train: { task: 'vol', hidden: 8, epochs: 4, seeds: [1], backend: 'wasm' },
  },
  { exchange: 'binance', symbol: 'BTCUSDT', type: 'api_agg_trades', time_range: '2024-08-03:2024-08-03' },
] as const;
const LONGEST_MS = 180_000;

/** What a month of the ledger proves. */
interface ProvenMonth extends Pick<LedgerMonth, 'series' | 'month' | 'covered' | 'open'> {
  readonly absent: readonly unknown[];
}

/** All that a platform ended with, without what tells only when and by whom it was written. */
interface Outcome {
  readonly statuses: readonly string[];
  readonly rows: ReadonlyMap<string, ReadonlyMap<string, Row>>;
  readonly ledger: readonly ProvenMonth[];
  readonly graph: Omit<GraphDocument, 'created_at'>;
  readonly graphContent: { readonly nodes: number; readonly edges: number; readonly hash: string };
  readonly card: Readonly<Record<string, unknown>>;
  readonly weights: string;
}

test('the same requests end in the same rows, ledger, graph and model, in one process or in one a function on Kafka, ArangoDB’s double and MinIO', {
  skip: (await withoutBrokers()) || withoutMinio(),
}, async (t) => {
  // One exchange for both: its rows and its clock are the same.
  const simulator = await startSimulatorProcess({ seed: 7, weightLimit: 1_000_000 });
  t.after(() => simulator.close());
  const dir = await mkdtemp(join(tmpdir(), 'streamforge-same-'));
  const log = createWriteStream(join(dir, 'processes.log'));
  t.after(async () => {
    log.end();
    await rm(dir, { recursive: true, force: true });
  });
  const logger = createLogger({ level: 'warn', write: (line) => log.write(line) });

  const embedded = await outcomeOf(t, () => startEmbeddedPlatform(join(dir, 'embedded'), simulator.rest, logger));
  const distributed = await outcomeOf(t, () => startDistributedPlatform(join(dir, 'distributed'), simulator.rest, logger, log));

  await assertTruth(embedded, simulator);
  for (const [series, rows] of embedded.rows) assertSameRows(distributed.rows.get(series) ?? new Map(), rows, series);
  assert.deepEqual(distributed.statuses, ['finished', 'finished']);
  assert.deepEqual(distributed.ledger, embedded.ledger);
  assert.deepEqual(distributed.graph, embedded.graph);
  assert.deepEqual(distributed.graphContent, embedded.graphContent);
  assert.deepEqual(distributed.card, embedded.card);
  assert.equal(distributed.weights, embedded.weights);
  t.diagnostic(`graph ${embedded.graph.graph_id.slice(0, 12)}, model ${String(embedded.card.model_id).slice(0, 12)}`);
});

/** What both are held against: rows that exist, each series in the ledger, a graph with all its nodes and edges, and a model that is there. */
async function assertTruth(outcome: Outcome, simulator: TestSimulator): Promise<void> {
  for (const [series, rows] of outcome.rows) {
    const truth = await truthOf(simulator.rest, series, series === TRADES ? TRADES_FROM : FROM, TO);
    assert.ok(truth.size > 500, `${series} has ${truth.size} rows`);
    assertSameRows(rows, truth, series);
  }
  assert.deepEqual(new Set(outcome.ledger.map(({ series }) => series)), new Set(outcome.rows.keys()));
  assert.ok(outcome.graph.node_count > 2_000);
  assert.equal(outcome.graphContent.nodes, outcome.graph.node_count);
  assert.equal(
    outcome.graphContent.edges,
    Object.values(outcome.graph.edge_counts).reduce((sum, count) => sum + count, 0),
  );
  assert.ok(outcome.graphContent.edges > 0);
  assert.equal(outcome.card.weights_sha256, outcome.weights);
}

async function outcomeOf(t: TestContext, start: () => Promise<DemoPlatform>): Promise<Outcome> {
  const began = performance.now();
  const platform = await start();
  try {
    const client = createApiClient(platform.workflowsUrl);
    const signal = AbortSignal.timeout(LONGEST_MS);
    const asked: StartedWorkflow[] = [];
    for (const request of REQUESTS) asked.push(await client.post<StartedWorkflow>('/workflows', request));
    const views = await Promise.all(
      asked.map(({ queue_id }) => waitForWorkflow(client, queue_id, { quiet: true, signal, patienceMs: 10_000 })),
    );
    const outcome = await read(
      platform,
      views.map(({ status }) => status),
    );
    t.diagnostic(`${platform.introduction.split(';')[0]}: ${((performance.now() - began) / 1_000).toFixed(1)} s`);
    return outcome;
  } finally {
    await platform.stop();
  }
}

async function read({ ports, statsUrl }: DemoPlatform, statuses: readonly string[]): Promise<Outcome> {
  const series = [...CANDLES, TRADES];
  const rows = new Map<string, Map<string, Row>>();
  for (const id of series) {
    const parsed = parseSeriesId(id);
    const found = new Map<string, Row>();
    for await (const page of ports.market.readRows(parsed)) for (const row of page) found.set(rowKey(parsed, row), row);
    rows.set(id, found);
  }
  const months = (await Promise.all(series.map((id) => ports.market.readLedger(parseSeriesId(id))))).flat();
  const stats = createApiClient(statsUrl);
  for (const id of series) {
    const from = id === TRADES ? TRADES_FROM : FROM;
    const { complete } = await stats.get<Coverage>(`/coverage/${encodeURIComponent(id)}?from=${from}&to=${TO}`);
    assert.ok(complete, id);
  }
  const [graph, ...otherGraphs] = await ports.graphs.listGraphs();
  const [model, ...otherModels] = await ports.models.listModels();
  assert.deepEqual([otherGraphs, otherModels], [[], []]);
  assert.ok(graph !== undefined && model?.objects !== undefined && model.card !== undefined, 'there are a graph and a model');
  const { created_at: _, ...document } = graph;
  const { created_at: __, cpu_seconds: ___, ...card } = model.card;
  return {
    ...{ statuses, rows, ledger: months.map(provenOf), graph: document, card },
    graphContent: await contentOf(ports.graphs, graph.graph_id),
    weights: createHash('sha256')
      .update(await ports.objects.get(model.objects.weights))
      .digest('hex'),
  };
}

/** Leaves out how often it was written (`rev`) and when the exchange was asked for an absence: they differ from run to run. */
function provenOf({ series, month, covered, open, absent }: LedgerMonth): ProvenMonth {
  return {
    series,
    month,
    covered,
    open,
    absent: absent.map(({ evidence: { asked_at: _, ...evidence }, ...hole }) => ({ ...hole, evidence })),
  };
}

async function contentOf(graphs: DemoPlatform['ports']['graphs'], graphId: string): Promise<Outcome['graphContent']> {
  const hash = createHash('sha256');
  let [nodes, edges] = [0, 0];
  for await (const page of graphs.readNodes(graphId)) {
    for (const node of page) hash.update(sorted(node));
    nodes += page.length;
  }
  for (const relation of RELATIONS) {
    for await (const page of graphs.readEdges(graphId, relation)) {
      for (const edge of page) hash.update(sorted(edge));
      edges += page.length;
    }
  }
  return { nodes, edges, hash: hash.digest('hex') };
}

/** As JSON, in an order of names that is the same for every store. */
function sorted(value: object): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
