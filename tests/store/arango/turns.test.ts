import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from '../../../shared/store/arango/turns.ts';

test('lets in as many as it may, the others in the order in which they came', async () => {
  const turns = new Turns(2);
  const entered: number[] = [];
  const come = (name: number, signal?: AbortSignal) => turns.enter(signal).then(() => entered.push(name));

  const all = [1, 2, 3, 4].map((name) => come(name));
  await new Promise(setImmediate);
  assert.deepEqual(entered, [1, 2]);
  turns.leave();
  turns.leave();
  await Promise.all(all);

  assert.deepEqual(entered, [1, 2, 3, 4]);
});

test('who gives up while waiting has no turn, and takes nobody else’s', async () => {
  const turns = new Turns(1);
  const abort = new AbortController();
  const reason = new Error('enough');
  await turns.enter(undefined);
  const gaveUp = assert.rejects(turns.enter(abort.signal), reason);
  const stayed = turns.enter(undefined);

  abort.abort(reason);
  turns.leave();

  await gaveUp;
  await stayed;
});

test('an abort in the moment of being let in leaves the turn with its owner, and the next in the queue', async () => {
  const turns = new Turns(1);
  const abort = new AbortController();
  await turns.enter(undefined);
  const letIn = turns.enter(abort.signal);
  const next = turns.enter(undefined);

  turns.leave();
  abort.abort(new Error('too late'));
  await letIn;
  turns.leave();

  await next;
});
