import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AppError } from '../../../shared/domain/errors.ts';
import type { FetchShard } from '../../../shared/events/fetch-shard.ts';
import { QUEUE_CONTROL, QUEUE_EVENTS } from '../../../shared/events/topics.ts';
import type { Exchange } from '../../../shared/exchanges/exchange.ts';
import { type ServedWorkflows, serveWorkflows } from './serve-workflows.ts';
import { FETCH, MONTH, verdictOn } from './workers.ts';

let served: ServedWorkflows;
before(async () => {
  served = await serveWorkflows();
});
after(() => served.close());

test('a request is answered with its queue id and plan when the log has it, and is pending until it is folded', async () => {
  const answer = await served.call('POST', '/workflows', MONTH);

  assert.equal(answer.status, 202);
  const { queue_id, ...rest } = answer.json();
  assert.match(queue_id, /^wf-btcusdt-api_candles_5m-20240801-[a-z0-9]{6}$/);
  assert.deepEqual(rest, {
    status: 'pending',
    effective_to: Date.UTC(2024, 8, 1),
    plan: { shards: 9, rows: 8_928, calls: 9, seconds: 2 },
    links: {
      self: `/workflows/${queue_id}`,
      events: `/workflows/${queue_id}/events`,
      stop: `/workflows/${queue_id}/stop`,
      resume: `/workflows/${queue_id}/resume`,
    },
  });
  const logged = (await served.events(QUEUE_EVENTS)).filter((event) => event.queueid === queue_id);
  assert.deepEqual(
    logged.map(({ type }) => type),
    ['io.streamforge.workflow-requested.v1'],
  );
  const pending = (await served.call('GET', `/workflows/${queue_id}`)).json();
  assert.deepEqual([pending.status, pending.stages], ['pending', [{ stage: 'load', status: 'pending' }]]);
});

test('a workflow goes from POST to finished over log and store, and its stages, shards and events can be read', async () => {
  const { queue_id } = (await served.call('POST', '/workflows', { ...MONTH, collection_name: 'btc_august' })).json();
  await served.fold();

  const commands = (await served.events(FETCH)).filter((event) => event.queueid === queue_id);
  assert.equal(commands.length, 9);
  const starts = (await served.events(QUEUE_CONTROL)).filter((event) => event.queueid === queue_id);
  assert.deepEqual(
    starts.map(({ data }) => (data as { command: string }).command),
    ['start'],
  );
  const loading = (await served.call('GET', `/workflows/${queue_id}`)).json();
  assert.deepEqual([loading.status, loading.stages[0].shards_done, loading.stages[0].shards_total], ['loading', 0, 9]);

  await served.append(...commands.map((event) => verdictOn(event.data as FetchShard)));
  await served.fold();

  const finished = (await served.call('GET', `/workflows/${queue_id}`)).json();
  assert.equal(finished.status, 'finished');
  assert.deepEqual(
    [finished.stages[0].status, finished.stages[0].shards_done, finished.stages[0].records_written],
    ['completed', 9, 9_000],
  );
  assert.equal((await served.stores.workflows.readShards(queue_id)).filter(({ status }) => status === 'persisted').length, 9);
  assert.deepEqual((await served.stores.workflows.readCollection('btc_august'))?.selections, [
    { series: 'binance:BTCUSDT:candles:5m', from: Date.UTC(2024, 7, 1), to: Date.UTC(2024, 8, 1) },
  ]);
  const stored = await served.stores.workflows.readWorkflow(queue_id);
  assert.deepEqual(stored?.outbox, []);
});

test('a range that reaches into the present is clipped to the last closed bucket by the clock of the exchange', async () => {
  const { now } = await served.simulator.setClock({ now: Date.UTC(2027, 0, 1, 12, 7, 4), speed: 0 });
  const answer = await served.call('POST', '/workflows', { ...MONTH, time_range: '2027-01-01:2027-01-31' });
  await served.simulator.setClock({ speed: 1 });

  assert.equal(now, Date.UTC(2027, 0, 1, 12, 7, 4));
  assert.equal(answer.json().effective_to, Date.UTC(2027, 0, 1, 12, 5));
});

test('what cannot be is refused with code and path, and leaves store and log as they were', async () => {
  const before = [await served.events(QUEUE_EVENTS), await served.stores.workflows.listWorkflows({ limit: 100 })];
  const cases: [unknown, number, string, string[]][] = [
    [{ ...MONTH, symbol: 'NOPEUSDT' }, 400, 'unknown_symbol', ['symbol']],
    [{ ...MONTH, symbol: undefined, symbols: ['BTCUSDT', 'NOPEUSDT', 'NOUSDT'] }, 400, 'unknown_symbol', ['symbols.1', 'symbols.2']],
    [
      {
        ...MONTH,
        symbol: undefined,
        type: undefined,
        loads: [
          { symbols: ['BTCUSDT'], types: ['api_trades'] },
          { symbols: ['BTCUSDT', 'NOPEUSDT'], types: ['api_candles_5m'] },
        ],
      },
      400,
      'unknown_symbol',
      ['loads.1.symbols.1'],
    ],
    [{ ...MONTH, symbol: 'btc/usdt' }, 400, 'unsupported_symbol', ['symbol']],
    [{ ...MONTH, symbol: 'btcusdt', type: 7 }, 400, 'invalid_request', ['symbol', 'type']],
    [{ ...MONTH, type: 'api_candles_7m' }, 400, 'invalid_request', ['type']],
    [{ ...MONTH, type: 'ws_trades' }, 400, 'not_yet_supported', ['type']],
    [{ ...MONTH, time_range: '2030-01-01:2030-01-31' }, 400, 'invalid_request', ['time_range']],
    [{ ...MONTH, time_range: '2021-01-01:2021-01-31' }, 400, 'invalid_request', ['time_range']],
    [{ ...MONTH, type: 'api_candles_1s', time_range: '2023-01-01:2024-12-31' }, 400, 'invalid_request', ['time_range']],
    [{ ...MONTH, stages: ['build-graph'] }, 409, 'state_conflict', []],
    [
      { symbol: 'BTCUSDT', type: 'gnn_train', time_range: MONTH.time_range, train: { graph_id: 'nope' } },
      400,
      'invalid_request',
      ['train.graph_id'],
    ],
    [{ ...MONTH, time_rang: 'x' }, 400, 'invalid_request', ['time_rang']],
    [undefined, 400, 'invalid_request', ['body']],
    [[MONTH], 400, 'invalid_request', ['body']],
  ];

  for (const [body, status, code, paths] of cases) {
    const answer = await served.call('POST', '/workflows', body);
    const problem = answer.json();
    assert.deepEqual([answer.status, problem.code], [status, code], answer.text);
    assert.equal(answer.headers.get('content-type'), 'application/problem+json');
    assert.deepEqual(
      (problem.fields ?? []).map(({ path }: { path: string }) => path),
      paths,
      answer.text,
    );
  }

  assert.deepEqual([await served.events(QUEUE_EVENTS), await served.stores.workflows.listWorkflows({ limit: 100 })], before);
});

test('a range before the first row is told with the day on which the rows begin', async () => {
  const answer = await served.call('POST', '/workflows', { ...MONTH, time_range: '2021-01-01:2021-01-31' });

  assert.match(answer.json().detail, /no candles of BTCUSDT 5m before 2022-01-01/);
});

test('case 68: the same key and body give the same workflow, also when they are asked at once; another body is refused', async () => {
  const key = { 'idempotency-key': 'august' };
  const request = { ...MONTH, symbol: 'ETHUSDT' };

  const answers = await Promise.all(Array.from({ length: 8 }, () => served.call('POST', '/workflows', request, key)));
  const again = await served.call('POST', '/workflows', { ...request, symbol: undefined, symbols: ['ETHUSDT'] }, key);
  const other = await served.call('POST', '/workflows', { ...request, time_range: '2024-08-01:2024-08-02' }, key);

  assert.deepEqual(new Set([...answers, again].map((answer) => answer.status)), new Set([202]));
  assert.equal(new Set([...answers, again].map((answer) => answer.json().queue_id)).size, 1);
  assert.deepEqual([other.status, other.json().code], [422, 'idempotency_mismatch']);
  await served.fold();
  const { items } = await served.stores.workflows.listWorkflows({ symbol: 'ETHUSDT', limit: 10 });
  assert.equal(items.length, 1);
  const { queue_id } = answers[0]?.json() ?? {};
  assert.equal((await served.events(FETCH)).filter((event) => event.queueid === queue_id).length, 9);
  const folded = await served.call('POST', '/workflows', request, key);
  assert.deepEqual([folded.json().queue_id, folded.json().status, folded.json().plan.shards], [queue_id, 'loading', 9]);
});

test('case 68: the short id follows from the key alone, so servers that never met agree', async () => {
  const other = await serveWorkflows();
  try {
    const key = { 'idempotency-key': 'two servers' };
    // So that chance alone would not agree.
    other.context.random.id(1);
    const one = await served.call('POST', '/workflows', MONTH, key);
    const two = await other.call('POST', '/workflows', MONTH, key);

    assert.deepEqual([one.status, two.status], [202, 202]);
    assert.equal(one.json().queue_id, two.json().queue_id);
  } finally {
    await other.close();
  }
});

test('a key that cannot be one is refused', async () => {
  const answer = await served.call('POST', '/workflows', MONTH, { 'idempotency-key': 'x'.repeat(256) });

  assert.deepEqual([answer.status, answer.json().fields[0].path], [400, 'Idempotency-Key']);
});

test('what the ledger has proven is not planned again', async () => {
  const { market } = served.stores;
  const [from, middle] = [Date.UTC(2024, 7, 1), Date.UTC(2024, 7, 20)];
  await market.writeLedger([
    {
      series: 'binance:SOLUSDT:candles:1h',
      month: '2024-08',
      rev: 0,
      covered: [{ from, to: middle, origin: 'rest' }],
      absent: [],
      open: [],
    },
  ]);

  const { queue_id, plan } = (await served.call('POST', '/workflows', { ...MONTH, symbol: 'SOLUSDT', type: 'api_candles_1h' })).json();
  await served.fold();

  assert.deepEqual(plan, { shards: 1, rows: 288, calls: 1, seconds: 1 });
  const commands = (await served.events(FETCH)).filter((event) => event.queueid === queue_id).map(({ data }) => data as FetchShard);
  assert.deepEqual(
    commands.map((command) => [command.from, command.to]),
    [[middle, Date.UTC(2024, 8, 1)]],
  );
});

test('a hole that is known by its ids is planned no further than the range that was asked', async () => {
  const [from, to] = [Date.UTC(2024, 7, 1), Date.UTC(2024, 7, 1, 3)];
  const at = (minutes: number): number => from + minutes * 60_000;
  const covered = [
    { from, to: at(100), from_id: 1, to_id: 10, origin: 'rest' },
    { from: at(50), to, from_id: 20, to_id: 30, origin: 'rest' },
  ] as const;
  await served.stores.market.writeLedger([{ series: 'binance:XRPUSDT:trades', month: '2024-08', rev: 0, covered, absent: [], open: [] }]);
  const asked = `${new Date(at(80)).toISOString()}/${new Date(to).toISOString()}`;

  const { queue_id } = (await served.call('POST', '/workflows', { symbol: 'XRPUSDT', type: 'api_trades', time_range: asked })).json();
  await served.fold();

  const commands = (await served.events(FETCH)).filter((event) => event.queueid === queue_id).map(({ data }) => data as FetchShard);
  assert.deepEqual(
    commands.map((command) => [command.from, command.to]),
    [[at(80), at(100)]],
  );
});

for (const [what, fault] of [
  ['clock', { match: { path: '/time' }, do: 'status', status: 503 }],
  ['clock, but a freeze', { match: { path: '/time' }, do: 'status', status: 429, headers: { 'Retry-After': '30' } }],
  ['symbols', { match: { path: '/exchangeInfo' }, do: 'delay', ms: 60_000 }],
] as const) {
  test(`when the exchange gives no ${what}, the answer is 503 and the request is nowhere`, async () => {
    const silent = await serveWorkflows({ config: { exchangeSeconds: 1 } });
    try {
      await silent.simulator.addFaults({ on: 'rest', times: 100, ...fault });

      const answer = await silent.call('POST', '/workflows', MONTH);

      assert.deepEqual([answer.status, answer.json().code], [503, 'exchange_unavailable'], answer.text);
      assert.ok(Number(answer.headers.get('retry-after')) >= 1);
      assert.equal((await silent.events(QUEUE_EVENTS)).length, 0);
      assert.equal((await silent.stores.workflows.listWorkflows()).items.length, 0);
    } finally {
      await silent.close();
    }
  });
}

test('an exchange that asks us to wait makes the answer 503: it is not the caller who asks too often', async () => {
  const busy = async (): Promise<never> => {
    throw new AppError('rate_limited', 'too many requests', { retry_after_ms: 30_000 });
  };
  const exchange = { name: 'binance', time: busy, symbol: busy, symbols: busy, close: async () => undefined } as unknown as Exchange;
  const frozen = await serveWorkflows({ exchange });
  try {
    const answer = await frozen.call('POST', '/workflows', MONTH);

    assert.deepEqual([answer.status, answer.json().code, answer.headers.get('retry-after')], [503, 'exchange_unavailable', '30']);
  } finally {
    await frozen.close();
  }
});

test('a clock that was read within the hour stands in for one that does not answer', async () => {
  await served.simulator.addFaults({ on: 'rest', match: { path: '/time' }, times: 10, do: 'status', status: 503 });
  const answer = await served.call('POST', '/workflows', { ...MONTH, time_range: '2024-01-01:2024-01-02' });
  await served.simulator.clearFaults();

  assert.equal(answer.status, 202, answer.text);
});

test('plans above the limit are refused, at it they are taken', async () => {
  const small = await serveWorkflows({ config: { maxPlanShards: 9 } });
  try {
    assert.equal((await small.call('POST', '/workflows', MONTH)).status, 202);
    const above = await small.call('POST', '/workflows', { ...MONTH, symbol: undefined, symbols: ['BTCUSDT', 'ETHUSDT'] });

    assert.deepEqual([above.status, above.json().fields[0].path], [400, 'time_range']);
    assert.match(above.json().fields[0].problem, /18 shards/);
  } finally {
    await small.close();
  }
});
