import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aRequestOfShards, aVerdict, buckets, commandsOf, FROM, foldAll, shardName, someNews } from './builders.ts';

const stageOf = (state: ReturnType<typeof foldAll>['state'], name: string) => state.stages.find((stage) => stage.name === name);

test('the graph that was built is the graph that is trained on, and the last stage finishes the workflow', () => {
  const begun = foldAll([aRequestOfShards(1, { stages: ['load', 'build-graph', 'train'], train: { epochs: 5 } }), aVerdict(0)]);
  const [build] = commandsOf(begun.steps, 'build-graph');
  assert.deepEqual(
    [build?.attempt, build?.interval, build?.symbols, build?.from, build?.to, build?.lags],
    [1, '5m', ['BTCUSDT'], FROM, buckets(1_000, 0).to, [1, 2, 3, 12]],
  );

  const built = foldAll(
    [someNews({ stage: 'build-graph', detail: { graph_id: 'abc', nodes: 1_000 }, records_written: 1_000 })],
    begun.state,
  );
  const [train] = commandsOf(built.steps, 'train');
  assert.equal(built.state.status, 'training');
  assert.deepEqual([train?.graph_id, train?.epochs, train?.symbol, train?.seeds], ['abc', 5, 'BTCUSDT', [1, 2, 3]]);

  const trained = foldAll([someNews({ stage: 'train', producer: 'gnn-trainer__a1b2c3', detail: { model_id: 'm1' } }, 9_000)], built.state);
  assert.equal(trained.state.status, 'finished');
  assert.deepEqual(stageOf(trained.state, 'train')?.detail, { model_id: 'm1' });
});

test('a stage begins only when the one before has ended, whatever components say', () => {
  const begun = foldAll([aRequestOfShards(2, { stages: ['load', 'build-graph', 'train'] }), aVerdict(0)]);

  const early = foldAll(
    [
      someNews({ stage: 'load', producer: 'loader-producer__a1b2c3' }),
      someNews({ stage: 'build-graph', detail: { graph_id: 'x' } }),
      someNews({ stage: 'train' }),
      someNews({ status: 'completed' }),
    ],
    begun.state,
  );

  assert.equal(early.state, begun.state);
});

test('news of a stage that has not finished does not end it', () => {
  const begun = foldAll([aRequestOfShards(1, { stages: ['load', 'build-graph'] }), aVerdict(0)]);

  const news = [
    someNews({ stage: 'build-graph', finished: false, detail: { graph_id: 'g' } }),
    someNews({ stage: 'build-graph', status: 'loading', detail: { graph_id: 'g' } }),
    someNews({ stage: 'build-graph', status: 'interrupted' }),
  ];

  assert.equal(foldAll(news, begun.state).state, begun.state);
});

test('a component that fails ends the workflow in error; one terminal event for the stage', () => {
  const begun = foldAll([aRequestOfShards(1, { stages: ['load', 'build-graph'] }), aVerdict(0)]);
  const error = { code: 'invalid_request', message: 'too few bars' };

  const closed = foldAll([someNews({ stage: 'build-graph', status: 'error', error })], begun.state);
  const open = foldAll([someNews({ stage: 'build-graph', status: 'error', finished: false, error })], begun.state);

  assert.deepEqual([closed.state.status, closed.state.error?.code, closed.state.error?.stage], ['error', 'invalid_request', 'build-graph']);
  assert.equal(commandsOf(closed.steps, 'queue-event').length, 0);
  assert.deepEqual(
    commandsOf(open.steps, 'queue-event').map(({ status, finished }) => [status, finished]),
    [['error', true]],
  );
});

test('an error about a shard that is proven already changes nothing', () => {
  const begun = foldAll([aRequestOfShards(2), aVerdict(0)]);

  const late = foldAll([someNews({ status: 'error', stage: 'load', shard: shardName(0), finished: false })], begun.state);
  const due = foldAll([someNews({ status: 'error', stage: 'load', shard: shardName(1), finished: false })], begun.state);

  assert.equal(late.state, begun.state);
  assert.equal(due.state.status, 'error');
});

test('the fold does not react to its own voice', () => {
  const begun = foldAll([aRequestOfShards(2), aVerdict(0, { verdict: 'failed' })]);
  const own = commandsOf(begun.steps, 'queue-event').map((data) => someNews(data));
  assert.ok(own.some(({ data }) => data.status === 'error'));

  const running = foldAll([aRequestOfShards(2)]);

  for (const news of own) assert.equal(foldAll([news], running.state).state, running.state);
});
