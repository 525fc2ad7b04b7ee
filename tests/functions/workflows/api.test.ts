import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { BuildGraph } from '../../../shared/events/build-graph.ts';
import type { StreamEvent } from '../../../shared/events/event.ts';
import type { FetchShard } from '../../../shared/events/fetch-shard.ts';
import { type QueueEvent, queueEvent } from '../../../shared/events/queue-event.ts';
import { type ShardVerified, shardVerified } from '../../../shared/events/shard-verified.ts';
import { BUILD_GRAPH_TOPIC, fetchTopic, QUEUE_CONTROL, QUEUE_EVENTS, TRAIN_TOPIC } from '../../../shared/events/topics.ts';
import type { Train } from '../../../shared/events/train.ts';
import { type ServedWorkflows, serveWorkflows } from './serve-workflows.ts';

const MONTH = { symbol: 'BTCUSDT', type: 'api_candles_5m', time_range: '2024-08-01:2024-08-31' };
const [FROM, TO] = [Date.UTC(2024, 7, 1), Date.UTC(2024, 8, 1)];
const FETCH = fetchTopic('binance');

let served: ServedWorkflows;
before(async () => {
  served = await serveWorkflows();
});
after(() => served.close());

async function start(body: object = MONTH): Promise<string> {
  const answer = await served.call('POST', '/workflows', body);
  assert.equal(answer.status, 202, answer.text);
  await served.fold();
  return answer.json().queue_id;
}

async function commandsOf(queueId: string, attempt = 1): Promise<FetchShard[]> {
  const commands = (await served.events(FETCH)).filter((event) => event.queueid === queueId).map(({ data }) => data as FetchShard);
  return commands.filter((command) => command.attempt === attempt);
}

function verdictOn(command: FetchShard, over: Partial<ShardVerified> = {}): StreamEvent {
  const { queue_id, attempt, shard, series } = command;
  const verdict: ShardVerified = {
    queue_id,
    attempt,
    shard,
    series,
    try: command.try,
    verdict: 'persisted',
    counted: 1_000,
    missing: [],
    absent: [],
    ...over,
  };
  return shardVerified.build(verdict, { producer: 'sink', time: Date.now() });
}

function saidBy(target: string, queue_id: string, over: Partial<QueueEvent>): StreamEvent {
  const said: QueueEvent = {
    queue_id,
    attempt: 1,
    producer: `${target}__abcdef`,
    symbol: 'BTCUSDT',
    type: 'api_candles_5m',
    status: 'completed',
    message: 'done',
    records_written: 5,
    finished: true,
    timestamp: Date.now() / 1_000,
    ...over,
  };
  return queueEvent.build(said, { producer: target, time: Date.now() });
}

const read = async (id: string) => (await served.call('GET', `/workflows/${id}`)).json();

test('case 65: a stop is taken while something runs, interrupts once, and resume plans anew from the ledger', async () => {
  const id = await start();
  const [first, ...others] = await commandsOf(id);
  assert.ok(first);
  await served.append(verdictOn(first));
  const early = await served.call('POST', `/workflows/${id}/resume`, {});
  const stop = await served.call('POST', `/workflows/${id}/stop`, { reason: 'enough' });
  await served.fold();

  assert.deepEqual([early.status, early.json().code], [409, 'state_conflict']);
  assert.deepEqual([stop.status, stop.json().status, stop.json().attempt], [202, 'stopping', 1]);
  const interrupted = await read(id);
  assert.deepEqual(
    [interrupted.status, interrupted.stages[0].status, interrupted.attempts[0].reason],
    ['interrupted', 'interrupted', 'enough'],
  );
  const again = await served.call('POST', `/workflows/${id}/stop`);
  assert.deepEqual([again.status, again.json().code], [409, 'state_conflict']);
  assert.match(again.json().detail, /is interrupted/);

  await served.stores.market.writeLedger([
    { series: first.series, month: '2024-08', rev: 0, covered: [{ from: FROM, to: first.to, origin: 'rest' }], absent: [], open: [] },
  ]);
  const resume = await served.call('POST', `/workflows/${id}/resume`);
  await served.fold();

  assert.deepEqual([resume.status, resume.json().status, resume.json().attempt], [202, 'resuming', 2]);
  const resumed = await commandsOf(id, 2);
  assert.deepEqual(
    resumed.map(({ shard }) => shard),
    others.map(({ shard }) => shard),
  );
  await served.append(...resumed.map((command) => verdictOn(command)));
  await served.fold();
  const finished = await read(id);
  assert.deepEqual(
    [finished.status, finished.attempt, finished.attempts.map(({ status }: { status: string }) => status)],
    ['finished', 2, ['interrupted', 'finished']],
  );
  const late = await served.call('POST', `/workflows/${id}/resume`);
  assert.deepEqual([late.status, late.json().code], [409, 'state_conflict']);
  const controls = (await served.events(QUEUE_CONTROL))
    .filter((event) => event.queueid === id)
    .map(({ data }) => (data as { command: string }).command);
  assert.deepEqual(controls, ['start', 'stop', 'start']);
});

test('a workflow that nobody asked for is 404, whatever is wanted of it', async () => {
  const id = 'wf-btcusdt-api_trades-20240801-zzzzzz';
  for (const [method, path] of [
    ['GET', `/workflows/${id}`],
    ['GET', `/workflows/${id}/events`],
    ['POST', `/workflows/${id}/stop`],
    ['POST', `/workflows/${id}/resume`],
  ] as const) {
    const answer = await served.call(method, path);
    assert.deepEqual([answer.status, answer.json().code], [404, 'not_found'], path);
  }
});

test('a workflow shows the rows that are proven and the holes that the exchange itself has, with their evidence', async () => {
  const series = 'binance:SOLUSDT:candles:5m';
  const id = await start({ ...MONTH, symbol: 'SOLUSDT' });
  const outage = { from: FROM + 3_600_000, to: FROM + 7_200_000 };
  const evidence = { method: 'narrow read', grade: 'two-reads', before_key: '1', after_key: '2', asked_at: [1, 2] } as const;
  await served.stores.market.writeLedger([
    {
      series,
      month: '2024-08',
      rev: 0,
      covered: [
        { from: FROM, to: outage.from, origin: 'rest' },
        { from: outage.to, to: TO, origin: 'rest' },
      ],
      absent: [{ ...outage, kind: 'exchange-outage', evidence }],
      open: [],
    },
  ]);

  const [load] = (await read(id)).stages;

  assert.deepEqual([load.rows_counted, load.complete, load.absent_count], [8_928 - 12, true, 1]);
  assert.deepEqual(load.absent, [{ ...outage, kind: 'exchange-outage', evidence, series }]);
});

test('the stages behind the load follow each other, and what they found can be read', async () => {
  const id = await start({ ...MONTH, symbol: 'ADAUSDT', stages: ['load', 'build-graph', 'train'], train: { epochs: 3 } });
  await served.append(...(await commandsOf(id)).map((command) => verdictOn(command)));
  await served.fold();
  assert.equal((await read(id)).status, 'building');
  await served.append(saidBy('graph-builder', id, { stage: 'build-graph', detail: { graph_id: 'g1', nodes: 8_928 } }));
  await served.fold();
  assert.equal((await read(id)).status, 'training');
  const trainings = (await served.events(TRAIN_TOPIC)).filter((event) => event.queueid === id).map(({ data }) => data as Train);
  assert.deepEqual(
    trainings.map(({ graph_id, epochs }) => [graph_id, epochs]),
    [['g1', 3]],
  );
  await served.append(
    saidBy('gnn-trainer', id, { stage: 'train', status: 'error', error: { code: 'invalid_request', message: 'too few bars' } }),
  );
  await served.fold();

  const failed = await read(id);
  assert.equal(failed.status, 'error');
  assert.deepEqual([failed.error.code, failed.error.stage], ['invalid_request', 'train']);
  assert.deepEqual(
    failed.stages.map(({ status }: { status: string }) => status),
    ['completed', 'completed', 'error'],
  );
  assert.deepEqual(failed.stages[1].detail, { graph_id: 'g1', nodes: 8_928 });
});

test('workflows are listed newest first, by status, symbol and type, page after page', async () => {
  const own = await serveWorkflows();
  try {
    for (const symbol of ['BTCUSDT', 'ETHUSDT', 'BTCUSDT']) await own.call('POST', '/workflows', { ...MONTH, symbol });
    await own.fold();
    const list = async (query: string) => (await own.call('GET', `/workflows?${query}`)).json();

    const pages = [await list('limit=2')];
    pages.push(await list(`limit=2&cursor=${encodeURIComponent(pages[0].cursor)}`));

    assert.deepEqual(
      pages.map(({ items }) => items.length),
      [2, 1],
    );
    assert.equal(pages[1].cursor, undefined);
    const created = pages.flatMap(({ items }) => items.map(({ created_at }: { created_at: number }) => created_at));
    assert.deepEqual(
      created,
      [...created].sort((a, b) => b - a),
    );
    assert.deepEqual(
      (await list('symbol=ETHUSDT')).items.map(({ symbols }: { symbols: string[] }) => symbols),
      [['ETHUSDT']],
    );
    assert.equal((await list('status=loading&type=api_candles_5m')).items.length, 3);
    assert.equal((await list('status=finished')).items.length, 0);
    for (const [query, path] of [
      ['status=done', 'status'],
      ['limit=0', 'limit'],
      ['limit=1001', 'limit'],
      ['symbol=', 'symbol'],
    ]) {
      const answer = await own.call('GET', `/workflows?${query}`);
      assert.deepEqual([answer.status, answer.json().fields[0].path], [400, path]);
    }
  } finally {
    await own.close();
  }
});

/** Reads server-sent events until `enough` says so, or the stream ends. */
async function follow(path: string, enough: (ids: readonly string[]) => boolean, headers: Record<string, string> = {}) {
  const stop = new AbortController();
  const response = await fetch(served.url + path, { headers, signal: stop.signal });
  const [ids, events]: [string[], StreamEvent[]] = [[], []];
  let text = '';
  if (response.body === null) return { response, ids, events, ended: true };
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { response, ids, events, ended: true };
    text += value;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const [id, data] = [field('id'), field('data')];
      if (id === undefined || data === undefined) continue;
      ids.push(id);
      events.push(JSON.parse(data) as StreamEvent);
    }
    if (enough(ids)) {
      stop.abort();
      return { response, ids, events, ended: false };
    }
  }
}

test('the events of a workflow are streamed: those so far, those to come, and none twice after a break', async () => {
  const id = await start({ ...MONTH, symbol: 'XRPUSDT', time_range: '2024-08-01:2024-08-02' });
  const commands = await commandsOf(id);
  assert.equal(commands.length, 1);

  const path = `/workflows/${id}/events`;
  const soFar = await follow(path, (ids) => ids.length >= 2);
  assert.equal(soFar.response.headers.get('content-type'), 'text/event-stream');
  assert.deepEqual(soFar.ids, ['1', '2']);
  assert.equal(soFar.events[0]?.type, 'io.streamforge.workflow-requested.v1');

  const live = follow(path, () => false, { 'last-event-id': '2' });
  await served.append(...commands.map((command) => verdictOn(command)));
  await served.fold();
  const rest = await live;

  assert.ok(rest.ended);
  assert.deepEqual(rest.ids, ['3', '4']);
  assert.deepEqual(
    rest.events.map(({ type }) => type.split('.').slice(2).join('.')),
    ['shard-verified.v1', 'queue-event.v1'],
  );
  const whole = await follow(path, () => false);
  assert.deepEqual(whole.ids, ['1', '2', '3', '4']);
  assert.deepEqual(
    whole.events.map((event) => event.id),
    (await served.events(QUEUE_EVENTS)).filter((event) => event.queueid === id).map((event) => event.id),
  );
  assert.equal((await follow(path, () => false, { 'last-event-id': '4' })).response.status, 204);
  assert.equal((await served.call('GET', path, undefined, { 'last-event-id': 'x' })).status, 400);
});

test('a fact about a workflow of an older attempt is recorded and changes nothing', async () => {
  const id = await start();
  await served.call('POST', `/workflows/${id}/stop`);
  await served.fold();
  await served.call('POST', `/workflows/${id}/resume`);
  await served.fold();
  const before = await read(id);

  await served.append(saidBy('loader-producer', id, { status: 'error', stage: 'load', error: { code: 'timeout', message: 'late' } }));
  await served.fold();

  assert.deepEqual({ ...(await read(id)) }, before);
  const events = await served.stores.workflows.readEvents(id, 0, 100);
  assert.ok(events.some(({ event }) => (event.data as { status?: string }).status === 'error'));
});

test('the graph of a request that only trains brings symbols, range and parameters', async () => {
  const params = { lags: [1], vis_window: 10, vis_cap: 2, corr_window: 20, corr_top: 1, lead_window: 30, lead_top: 1 };
  const none = { next: [], visible: [], corr: [], leads: [] };
  await served.stores.graphs.writeGraph(
    {
      graph_id: 'graph1',
      exchange: 'binance',
      interval: '5m',
      symbols: ['BTCUSDT', 'ETHUSDT'],
      from: FROM,
      to: TO,
      builder_version: '1',
      params,
      feature_names: [],
      feature_version: '1',
      node_count: 0,
      edge_counts: { next: 0, visible: 0, corr: 0, leads: 0 },
      content_hash: 'x',
      created_at: 1,
    },
    { nodes: [], edges: none },
  );

  const id = await start({ type: 'gnn_train', train: { graph_id: 'graph1', seeds: [9] } });

  assert.match(id, /^wf-btcusdt-gnn_train-20240801-/);
  const view = await read(id);
  assert.deepEqual(
    [view.status, view.symbols, view.types, view.from, view.to],
    ['training', ['BTCUSDT', 'ETHUSDT'], ['gnn_train'], FROM, TO],
  );
  const trainings = (await served.events(TRAIN_TOPIC)).filter((event) => event.queueid === id).map(({ data }) => data as Train);
  assert.deepEqual(
    trainings.map(({ symbol, graph_id, seeds }) => [symbol, graph_id, seeds]),
    [['BTCUSDT', 'graph1', [9]]],
  );
});

test('the last stages alone run over what is proven', async () => {
  const series = 'binance:LINKUSDT:candles:1h';
  const request = { symbol: 'BTCUSDT', type: 'gnn_graph', graph: { interval: '1h' }, time_range: '2024-08-01:2024-08-31' };
  const unproven = await served.call('POST', '/workflows', request);
  assert.deepEqual([unproven.status, unproven.json().code], [409, 'state_conflict']);
  await served.stores.market.writeLedger([
    {
      series: series.replace('LINK', 'BTC'),
      month: '2024-08',
      rev: 0,
      covered: [{ from: FROM, to: TO, origin: 'rest' }],
      absent: [],
      open: [],
    },
  ]);

  const id = await start({ ...request, collection_name: 'hours' });

  assert.equal((await read(id)).status, 'building');
  const builds = (await served.events(BUILD_GRAPH_TOPIC)).filter((event) => event.queueid === id).map(({ data }) => data as BuildGraph);
  assert.deepEqual(
    builds.map(({ interval, symbols, from, to }) => [interval, symbols, from, to]),
    [['1h', ['BTCUSDT'], FROM, TO]],
  );
});
