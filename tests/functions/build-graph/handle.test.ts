import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { BuildGraphConfig } from '../../../functions/build-graph/config.ts';
import { runJob } from '../../../functions/build-graph/handle.ts';
import { AppError } from '../../../shared/domain/errors.ts';
import { RELATIONS } from '../../../shared/domain/graph/graph.ts';
import { createContentHasher } from '../../../shared/domain/graph/identity.ts';
import type { Candle } from '../../../shared/domain/rows.ts';
import { type BuildGraph, buildGraph } from '../../../shared/events/build-graph.ts';
import type { QueueEvent } from '../../../shared/events/queue-event.ts';
import type { ReceivedEvent } from '../../../shared/runtime/define-function.ts';
import type { WorkflowDocument } from '../../../shared/store/workflow-store.ts';
import { GRAPH_PARAMS } from '../../gnn/support/graphs.ts';
import { BAR_MS, MARKET_START, simulateMarket, symbolName } from '../../gnn/support/market.ts';
import { openProvenMarket, type ProvenMarket, prove, seriesOf } from '../../gnn/support/proven-market.ts';
import { createTestJobContext } from '../../support/context.ts';

const BARS = 700;
const QUEUE_ID = 'wf-ausdt-api_candles_5m-20240801-a1b2c3';

function received(overrides: Partial<BuildGraph> = {}): ReceivedEvent {
  const data: BuildGraph = {
    queue_id: QUEUE_ID,
    attempt: 1,
    exchange: 'binance',
    interval: '5m',
    symbols: [symbolName(0), symbolName(1)],
    from: MARKET_START,
    to: MARKET_START + BARS * BAR_MS,
    ...GRAPH_PARAMS,
    ...overrides,
  };
  return { event: buildGraph.build(data, { producer: 'workflows', time: MARKET_START }) };
}

describe('build-graph', () => {
  let store: ProvenMarket;
  const candles = simulateMarket({ symbols: 3, bars: BARS, clustering: 0.9 });
  const hole = 100;

  before(async () => {
    store = await openProvenMarket();
    await prove(store.market, 0, candles[0] as Candle[], BARS);
    await prove(
      store.market,
      1,
      (candles[1] as Candle[]).filter((_, t) => t !== hole),
      BARS,
      [hole],
    );
    await prove(store.market, 2, (candles[2] as Candle[]).slice(0, BARS - 10), BARS - 10);
  });
  after(() => store.close());

  const contextOf = (overrides: Parameters<typeof createTestJobContext<BuildGraphConfig>>[0] = {}) =>
    createTestJobContext<BuildGraphConfig>({
      functionName: 'build-graph',
      config: { maxNodes: 1_000_000 },
      ports: store,
      ...overrides,
    });
  const build = async (overrides: Partial<BuildGraph> = {}): Promise<string> => {
    const context = contextOf();
    await runJob(received(overrides), context);
    return String((context.published.at(-1)?.data as QueueEvent | undefined)?.detail?.graph_id);
  };

  it('stores a graph whose content has the hash that its document names, and says so as the end of its stage', async () => {
    const context = contextOf();

    await runJob(received(), context);

    const news = context.published.map((event) => event.data as QueueEvent);
    assert.deepEqual(
      news.map(({ status, finished, stage, producer, type }) => ({ status, finished, stage, producer, type })),
      [
        { status: 'started', finished: false, stage: 'build-graph', producer: 'graph-builder__a1b2c3', type: 'gnn_graph' },
        { status: 'completed', finished: true, stage: 'build-graph', producer: 'graph-builder__a1b2c3', type: 'gnn_graph' },
      ],
    );
    const document = await store.graphs.readGraph(String(news.at(-1)?.detail?.graph_id));
    assert.ok(document);
    assert.equal(document.node_count, BARS * 2);
    const hasher = createContentHasher();
    for await (const page of store.graphs.readNodes(document.graph_id)) hasher.addNodes(page);
    for (const relation of RELATIONS)
      for await (const page of store.graphs.readEdges(document.graph_id, relation)) hasher.addEdges(relation, page);
    assert.equal(hasher.digest(), document.content_hash);
  });

  it('marks a bar that the exchange does not have as imputed, and sends no edge from it', async () => {
    const graphId = await build();

    const imputed: number[] = [];
    for await (const page of store.graphs.readNodes(graphId)) imputed.push(...page.filter((node) => node.imputed).map((node) => node.ord));
    const senders = new Set<number>();
    for (const relation of RELATIONS) {
      for await (const page of store.graphs.readEdges(graphId, relation)) for (const edge of page) senders.add(edge.src);
    }
    assert.deepEqual(imputed, [hole * 2 + 1]);
    assert.ok(!senders.has(hole * 2 + 1));
    assert.ok(senders.has(hole * 2));
    assert.equal(await store.market.countRows(seriesOf(1)), BARS - 1, 'the store is not filled');
  });

  it('gives the same graph for the same rows, however often it is asked and by whom', async () => {
    const first = await build();
    const again = await build({ queue_id: 'wf-other-api_candles_5m-20240801-zzzzzz', attempt: 3 });

    assert.equal(again, first);
  });

  it('case 73: gives another graph and content where one candle was edited, and leaves the old one as it was', async () => {
    const before = await build();
    const old = await store.graphs.readGraph(before);
    const edited = (candles[0] as Candle[])[50] as Candle;
    await store.market.upsertRows(seriesOf(0), [{ ...edited, close: edited.close * 1.0001, trade_count: 1e6 }], {
      origin: 'rest',
      received_at: MARKET_START + 1,
    });

    const after = await build();

    assert.notEqual(after, before);
    const fresh = await store.graphs.readGraph(after);
    assert.notEqual(fresh?.content_hash, old?.content_hash);
    assert.deepEqual(await store.graphs.readGraph(before), old);
    await store.market.deleteRows(seriesOf(0), { from: edited.open_time, to: edited.open_time + 1 });
    await store.market.upsertRows(seriesOf(0), [edited], { origin: 'rest', received_at: MARKET_START + 2 });
    assert.equal(await build(), before, 'the rows of before give the graph of before');
  });

  const refusals: [string, Partial<BuildGraph>, string][] = [
    ['a series that the ledger does not prove to the end', { symbols: [symbolName(0), symbolName(2)] }, 'rows_missing'],
    ['a series that was never loaded', { symbols: [symbolName(5)] }, 'rows_missing'],
    ['a range without a bar', { from: MARKET_START, to: MARKET_START }, 'invalid_request'],
    ['one symbol twice', { symbols: [symbolName(0), symbolName(0)] }, 'invalid_request'],
  ];
  for (const [what, overrides, code] of refusals) {
    it(`refuses ${what} with ${code}, and says nothing on the way`, async () => {
      const context = contextOf();

      await assert.rejects(runJob(received(overrides), context), (error) => error instanceof AppError && error.code === code);

      assert.deepEqual(
        context.published.filter((event) => (event.data as QueueEvent).finished),
        [],
      );
    });
  }

  it('refuses a graph above the limit of its setting', async () => {
    const context = contextOf({ config: { maxNodes: BARS } });

    await assert.rejects(runJob(received(), context), (error) => error instanceof AppError && error.code === 'invalid_request');
  });

  it('refuses rows that the store has no longer, though the ledger proves them', async () => {
    const candle = (candles[0] as Candle[])[10] as Candle;
    await store.market.deleteRows(seriesOf(0), { from: candle.open_time, to: candle.open_time + 1 });

    await assert.rejects(runJob(received(), contextOf()), (error) => error instanceof AppError && error.code === 'rows_missing');

    await store.market.upsertRows(seriesOf(0), [candle], { origin: 'rest', received_at: MARKET_START + 3 });
  });

  it('writes nothing where its claim was lost meanwhile', async () => {
    const context = contextOf({ holdsClaim: async () => false });
    const graphs = (await store.graphs.listGraphs()).length;

    await assert.rejects(
      runJob(received({ lags: [1, 5] }), context),
      (error) => error instanceof AppError && error.code === 'state_conflict',
    );

    assert.equal((await store.graphs.listGraphs()).length, graphs);
  });

  it('drops the work of an attempt that was stopped, without a word', async () => {
    const stopped: WorkflowDocument = {
      queue_id: 'wf-ausdt-api_candles_5m-20240801-stop00',
      rev: 0,
      status: 'interrupted',
      attempt: 1,
      symbols: ['AUSDT'],
      types: ['api_candles_5m'],
      request_hash: 'a'.repeat(64),
      created_at: MARKET_START,
      updated_at: MARKET_START,
      state: {},
      outbox: [],
    };
    await store.workflows.insertPending(stopped);
    const context = contextOf();

    await runJob(received({ queue_id: stopped.queue_id }), context);

    assert.deepEqual(context.published, []);
  });

  it('does not compute for longer than 50 ms at a time on the thread of the event loop', async () => {
    let longestMs = 0;
    let last = process.threadCpuUsage();
    const beat = setInterval(() => {
      const { user, system } = process.threadCpuUsage(last);
      last = process.threadCpuUsage();
      longestMs = Math.max(longestMs, (user + system) / 1_000);
    }, 1);

    await build({ lags: [1, 2, 7], vis_window: 600, vis_cap: 32 });

    clearInterval(beat);
    assert.ok(longestMs > 0 && longestMs < 50, `it computed for ${longestMs.toFixed(1)} ms`);
  });
});
