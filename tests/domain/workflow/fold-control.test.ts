import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fold } from '../../../shared/domain/workflow/fold.ts';
import { MAX_IN_FLIGHT } from '../../../shared/domain/workflow/state.ts';
import {
  aRequestOfShards,
  aResume,
  aStop,
  aTick,
  aVerdict,
  buckets,
  commandsOf,
  foldAll,
  SERIES,
  shardName,
  someNews,
} from './builders.ts';

const stageOf = (state: ReturnType<typeof foldAll>['state'], name: string) => state.stages.find((stage) => stage.name === name);

test('case 65: a stop interrupts once and releases nothing more; resume plans anew from what was lacking', () => {
  const stopped = foldAll([aRequestOfShards(40), aStop(), aStop(), aVerdict(0), aTick()]);

  assert.equal(stopped.state.status, 'interrupted');
  assert.equal(commandsOf(stopped.steps, 'fetch-shard').length, MAX_IN_FLIGHT);
  assert.deepEqual(
    commandsOf(stopped.steps, 'queue-event')
      .filter(({ finished }) => finished)
      .map(({ status }) => status),
    ['interrupted'],
  );
  assert.deepEqual(
    commandsOf(stopped.steps, 'command').map(({ command }) => command),
    ['start', 'stop'],
  );
  const resumed = foldAll([aResume(2, [{ series: SERIES, ranges: [buckets(1_000, 2_000)] }])], stopped.state);
  assert.deepEqual(
    commandsOf(resumed.steps, 'fetch-shard').map(({ shard, attempt }) => [shard, attempt]),
    [
      [shardName(1), 2],
      [shardName(2), 2],
    ],
  );
  const ended = foldAll([aVerdict(1, { attempt: 2 }), aVerdict(2, { attempt: 2 })], resumed.state);
  assert.equal(ended.state.status, 'finished');
  assert.equal(stageOf(ended.state, 'load')?.records_written, 3_000);
  assert.deepEqual(
    ended.state.past.map(({ attempt, status, shards }) => [attempt, status, shards]),
    [[1, 'interrupted', { done: 1, all: 40 }]],
  );
});

test('a fact about data counts whatever its attempt; a status of an older attempt changes nothing', () => {
  const resumed = foldAll([aRequestOfShards(2), aStop(), aResume(2, [{ series: SERIES, ranges: [buckets(0, 2_000)] }])]);

  const old = foldAll([someNews({ status: 'error', stage: 'load', attempt: 1 }), aStop(1), aResume(2, [])], resumed.state);
  assert.equal(old.state, resumed.state);
  const ended = foldAll([aVerdict(0, { attempt: 1 }), aVerdict(1, { attempt: 2 })], resumed.state);
  assert.equal(ended.state.status, 'finished');
});

test('a verdict that another fetch could follow is followed by none once the workflow was stopped', () => {
  const stopped = foldAll([aRequestOfShards(2), aStop()]);

  for (const verdict of ['short', 'failed'] as const) {
    const late = foldAll([aVerdict(0, { verdict, missing: [buckets(1, 2)] })], stopped.state);
    assert.equal(late.state, stopped.state);
    assert.deepEqual(
      late.steps.flatMap((step) => step.commands),
      [],
    );
  }
});

test('a stop that overtook its resume still stops it, and sends no shard', () => {
  const { state, steps } = foldAll([
    aRequestOfShards(1),
    aStop(1),
    aStop(2),
    aResume(2, [{ series: SERIES, ranges: [buckets(0, 1_000)] }]),
  ]);

  assert.deepEqual([state.status, state.attempt], ['interrupted', 2]);
  assert.equal(commandsOf(steps.slice(3), 'fetch-shard').length, 0);
});

test('case 67: what is finished never moves', () => {
  const { state } = foldAll([aRequestOfShards(1), aVerdict(0)]);
  const late = [
    aStop(1),
    aStop(9),
    aResume(2, []),
    aTick(),
    aVerdict(0, { verdict: 'failed' }),
    aRequestOfShards(3),
    someNews({ status: 'error', stage: 'load' }),
  ];

  const { state: after, steps } = foldAll(late, state);

  assert.equal(after, state);
  assert.deepEqual(
    steps.flatMap((step) => [...step.commands, ...step.shards]),
    [],
  );
});

test('case 67: error and interrupted move only by resume', () => {
  const failed = foldAll([aRequestOfShards(2), aVerdict(0, { verdict: 'failed' })]).state;
  const stopped = foldAll([aRequestOfShards(2), aStop()]).state;

  for (const ended of [failed, stopped]) {
    const others = [aVerdict(1), aTick(), aStop(), aRequestOfShards(2), someNews({ status: 'error', stage: 'load' }), aVerdict(0)];
    assert.equal(foldAll(others, ended).state.status, ended.status);
    assert.equal(foldAll([...others, aResume(2, [])], ended).state.status, 'finished');
  }
});

test('a tick sends everything again that is out, and nothing else', () => {
  const begun = foldAll([
    aRequestOfShards(3, { stages: ['load', 'build-graph'] }),
    aVerdict(1),
    aVerdict(0, { verdict: 'short', missing: [buckets(1, 2)] }),
  ]);

  const ticked = foldAll([aTick()], begun.state);

  assert.equal(ticked.state, begun.state);
  assert.deepEqual(
    commandsOf(ticked.steps, 'fetch-shard').map(({ shard, try: number }) => [shard, number]),
    [
      [shardName(0), 2],
      [shardName(2), 1],
    ],
  );
  const building = foldAll([aVerdict(0, { try: 2 }), aVerdict(2)], begun.state);
  const again = foldAll([aTick()], building.state);
  assert.deepEqual(commandsOf(again.steps, 'build-graph'), commandsOf(building.steps, 'build-graph'));
});

test('facts for a workflow that was never asked for make none', () => {
  for (const fact of [aVerdict(0), aStop(), aTick(), aResume(2, []), someNews({})]) {
    assert.deepEqual(fold(undefined, fact), { state: undefined, commands: [], shards: [] });
  }
});
