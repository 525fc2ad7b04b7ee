import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { test } from 'node:test';
import { assertSettled } from '../support/settled.ts';
import { startStack } from '../support/stack.ts';
import { newsOf, workflowEvents } from '../support/workflow-events.ts';

const REQUEST = {
  symbols: ['BTCUSDT', 'ETHUSDT', 'SOLUSDT'],
  type: 'api_candles_5m',
  time_range: '2024-08-01:2024-08-05',
  stages: ['load', 'build-graph', 'train'],
  train: { task: 'vol', hidden: 8, epochs: 12, seeds: [1], backend: 'wasm' },
};

test('case 69: a trainer that is frozen in the middle of its training is killed and replaced; one model is published', async (t) => {
  const trainers: ChildProcess[] = [];
  const freezeFirst = (message: unknown): void => {
    const { process: child } = message as { readonly process: ChildProcess };
    // Told when it is made: what it runs is known when it has begun.
    child.once('spawn', () => {
      if (!child.spawnargs.some((argument) => argument.endsWith('trainer.ts'))) return;
      if (trainers.push(child) > 1) return;
      child.on('message', ({ kind }: { readonly kind: string }) => {
        if (kind === 'epoch') child.kill('SIGSTOP');
      });
    });
  };
  subscribe('child_process', freezeFirst);
  t.after(() => unsubscribe('child_process', freezeFirst));
  const stack = await startStack({ host: { env: { TRAIN_SILENT_SECONDS: '3' } } });
  t.after(() => stack.stop());

  const view = await stack.runWorkflow(REQUEST);

  assert.deepEqual([view.status, view.attempt, view.error], ['finished', 1, undefined]);
  // The result is told before the process that made it is gone.
  await Promise.all(trainers.map((child) => (child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined)));
  assert.deepEqual(
    trainers.map(({ signalCode }) => signalCode),
    ['SIGKILL', 'SIGTERM'],
  );
  const { items } = await stack.client.get<{ items: readonly { model_id: string; status: string }[] }>('/models');
  const { model_id } = view.stages.find(({ stage }) => stage === 'train')?.detail ?? {};
  assert.deepEqual(
    items.map((model) => [model.model_id, model.status]),
    [[model_id, 'ready']],
  );
  await assertSettled(stack.client);
  const ends = newsOf(await workflowEvents(stack.client, view.queue_id)).filter(({ finished }) => finished);
  assert.deepEqual(
    ends.map(({ stage, status }) => [stage, status]),
    [
      ['load', 'completed'],
      ['build-graph', 'completed'],
      ['train', 'completed'],
    ],
  );
});
