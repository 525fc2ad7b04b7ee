import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_IN_FLIGHT } from '../../../shared/domain/workflow/state.ts';
import {
  anAbsence,
  aRequested,
  aRequestOfShards,
  aTick,
  aVerdict,
  buckets,
  commandsOf,
  FROM,
  foldAll,
  QUEUE_ID,
  SERIES,
  shardName,
  someNews,
} from './builders.ts';

const stageOf = (state: ReturnType<typeof foldAll>['state'], name: string) => state.stages.find((stage) => stage.name === name);

test('a request sends its first 32 shards, each verdict releases the next, and the last one finishes it', () => {
  const begun = foldAll([aRequestOfShards(40)]);

  assert.equal(begun.state.status, 'loading');
  assert.deepEqual(
    commandsOf(begun.steps, 'fetch-shard').map((command) => command.shard),
    Array.from({ length: MAX_IN_FLIGHT }, (_, index) => shardName(index)),
  );
  const next = foldAll([aVerdict(5)], begun.state);
  assert.deepEqual(
    commandsOf(next.steps, 'fetch-shard').map((command) => command.shard),
    [shardName(32)],
  );
  const ended = foldAll(
    Array.from({ length: 40 }, (_, index) => aVerdict(index)),
    next.state,
  );
  assert.equal(ended.state.status, 'finished');
  assert.deepEqual(
    { ...stageOf(ended.state, 'load'), absent: undefined },
    {
      name: 'load',
      status: 'completed',
      records_written: 40_000,
      started_at: 1_000,
      finished_at: 2_000,
      absent: undefined,
    },
  );
});

test('a workflow says start on queue-control once, and that its load stage is completed once', () => {
  const { steps } = foldAll([aRequestOfShards(2), aVerdict(0), aVerdict(1), aVerdict(1), aTick()]);

  const [start, ...others] = commandsOf(steps, 'command');
  assert.deepEqual(others, []);
  assert.deepEqual(start, {
    command: 'start',
    queue_id: QUEUE_ID,
    symbol: 'BTCUSDT',
    type: 'api_candles_5m',
    time_range: '2024-08-01T00:00:00.000Z/2024-08-07T22:40:00.000Z',
    telemetry_id: 'loader-producer__a1b2c3',
    target: 'loader-producer',
    timestamp: 1,
  });
  const news = commandsOf(steps, 'queue-event');
  assert.deepEqual(
    news.map(({ status, finished, records_written, stage }) => ({ status, finished, records_written, stage })),
    [
      { status: 'started', finished: false, records_written: 0, stage: 'load' },
      { status: 'completed', finished: true, records_written: 2_000, stage: 'load' },
    ],
  );
});

test('a workflow that lacks nothing goes straight to its next stage', () => {
  const fact = aRequested({ stages: ['load', 'build-graph'] }, { lacking: [{ series: SERIES, ranges: [] }] });

  const { state, steps } = foldAll([fact]);

  assert.equal(state.status, 'building');
  assert.equal(stageOf(state, 'load')?.status, 'completed');
  assert.equal(commandsOf(steps, 'fetch-shard').length, 0);
  assert.equal(commandsOf(steps, 'build-graph').length, 1);
});

test('case 63: a short shard is sent again with the hull of what is missing, under its id, and its rows are counted once', () => {
  const missing = [buckets(10, 5), buckets(20, 10)];
  const { state, steps } = foldAll([aRequestOfShards(1), aVerdict(0, { verdict: 'short', counted: 985, missing })]);

  assert.deepEqual(commandsOf(steps, 'fetch-shard').at(-1), {
    queue_id: QUEUE_ID,
    attempt: 1,
    shard: shardName(0),
    series: SERIES,
    try: 2,
    ...buckets(10, 20),
  });
  const ended = foldAll([aVerdict(0, { try: 2, counted: 20 })], state);
  assert.equal(ended.state.status, 'finished');
  assert.equal(stageOf(ended.state, 'load')?.records_written, 1_000);
});

test('case 63: ids that are missing are asked for as exactly these ids', () => {
  const series = 'binance:BTCUSDT:trades';
  const hour = { from: FROM, to: FROM + 3_600_000 };
  const missing = [
    { from: FROM + 10, to: FROM + 20, from_id: 100, to_id: 109 },
    { from: FROM + 50, to: FROM + 50, from_id: 200, to_id: 200 },
  ];
  const requested = aRequested({ type: 'api_trades', time_range: '2024-08-01T00:00:00Z/2024-08-01T01:00:00Z' });
  const verdict = aVerdict(0, { series, shard: `${series}:${hour.from}-${hour.to}`, verdict: 'short', counted: 5_000, missing });

  const { state, steps } = foldAll([requested, verdict]);

  const again = commandsOf(steps, 'fetch-shard').at(-1);
  assert.deepEqual([again?.from, again?.to, again?.from_id, again?.to_id], [FROM + 10, FROM + 50, 100, 200]);
  const ended = foldAll([aVerdict(0, { ...verdict.data, try: 2, verdict: 'persisted', missing: [], counted: 101 })], state);
  assert.equal(stageOf(ended.state, 'load')?.records_written, 5_011);
});

test('case 63: after four tries the workflow ends in error with the ranges named, and sends nothing more', () => {
  const missing = [buckets(10, 5)];
  const shorts = [1, 2, 3, 4].map((number) => aVerdict(0, { try: number, verdict: 'short', counted: 995, missing }));

  const { state, steps } = foldAll([aRequestOfShards(3), ...shorts, aVerdict(1), aTick()]);

  assert.equal(state.status, 'error');
  assert.equal(state.error?.code, 'rows_missing');
  assert.match(state.error?.message ?? '', /2024-08-01T00:50:00.000Z to 2024-08-01T01:15:00.000Z/);
  assert.deepEqual(state.error?.missing, missing);
  const news = commandsOf(steps, 'queue-event').filter(({ finished }) => finished);
  assert.deepEqual(
    news.map(({ status, error }) => [status, error?.code]),
    [['error', 'rows_missing']],
  );
  assert.deepEqual(
    commandsOf(steps, 'fetch-shard').map((command) => command.try),
    [1, 1, 1, 2, 3, 4],
  );
});

test('a verdict on a try that is not out changes nothing', () => {
  const begun = foldAll([aRequestOfShards(2), aVerdict(0, { verdict: 'short', missing: [buckets(1, 1)] })]);

  for (const late of [
    aVerdict(0, { verdict: 'short', missing: [buckets(1, 1)] }),
    aVerdict(0, { try: 3, verdict: 'short', missing: [buckets(1, 1)] }),
    aVerdict(0, { verdict: 'failed' }),
    aVerdict(0, { try: 2, attempt: 2, verdict: 'failed' }),
    aVerdict(7),
  ]) {
    assert.equal(foldAll([late], begun.state).state, begun.state);
  }
});

test('a failed shard ends the workflow in error with its code', () => {
  const { state } = foldAll([
    aRequestOfShards(2),
    aVerdict(0, { verdict: 'failed', error: { code: 'precision_lost', message: '17 digits' } }),
  ]);

  assert.equal(state.status, 'error');
  assert.deepEqual([state.error?.code, state.error?.stage, state.error?.shard], ['precision_lost', 'load', shardName(0)]);
  assert.equal(stageOf(state, 'load')?.error?.code, 'precision_lost');
});

test('the name of the result is saved when all rows are proven, over each series up to its last closed bucket', () => {
  const request = aRequestOfShards(1, { collection_name: 'btc_august' });

  const { steps } = foldAll([request, aVerdict(0)]);

  assert.equal(steps[0]?.selection, undefined);
  assert.deepEqual(steps[1]?.selection, {
    name: 'btc_august',
    queue_id: QUEUE_ID,
    selections: [{ series: SERIES, ...buckets(0, 1_000) }],
    created_at: 2_000,
  });
});

test('absences are kept with their evidence, and one that a shard cut in two is one', () => {
  const first = anAbsence(buckets(990, 10));
  const second = anAbsence(buckets(1_000, 6));

  const { state } = foldAll([aRequestOfShards(2), aVerdict(1, { absent: [second] }), aVerdict(0, { absent: [first] })]);

  const { listed = [], more } = stageOf(state, 'load')?.absent ?? {};
  assert.equal(more, 0);
  assert.deepEqual(
    listed.map(({ series, from, to, kind }) => ({ series, from, to, kind })),
    [{ series: SERIES, ...buckets(990, 16), kind: 'exchange-outage' }],
  );
});

test('the state stays small whatever is loaded: 20,000 shards, thousands of absences, a chatty component', () => {
  const facts = aRequestOfShards(20_000, { stages: ['load', 'build-graph', 'train'] });
  let { state } = foldAll([facts]);
  let largest = 0;
  for (let index = 0; index < 20_000; index += 1) {
    const absent = [anAbsence(buckets(index * 1_000 + 10, 2)), anAbsence(buckets(index * 1_000 + 50, 2))];
    state = foldAll([aVerdict(index, { absent })], state).state;
    if (index % 1_000 === 0) largest = Math.max(largest, JSON.stringify(state).length);
  }
  const detail = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`field_${index}`, 'x'.repeat(200)]));
  state = foldAll([someNews({ stage: 'build-graph', detail: { graph_id: 'g', ...detail } })], state).state;

  assert.equal(state.status, 'training');
  assert.equal(state.load?.done, 20_000);
  assert.ok(Math.max(largest, JSON.stringify(state).length) < 50_000, `${largest} bytes`);
});
