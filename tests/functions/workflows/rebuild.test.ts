import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rebuildWorkflows } from '../../../functions/workflows/rebuild.ts';
import type { StreamEvent } from '../../../shared/events/event.ts';
import type { FetchShard } from '../../../shared/events/fetch-shard.ts';
import type { ShardVerified } from '../../../shared/events/shard-verified.ts';
import { TOPICS } from '../../../shared/events/topics.ts';
import { serveWorkflows } from './serve-workflows.ts';
import { FETCH, MONTH, verdictOn } from './workers.ts';

const verdict = (event: StreamEvent, over: Partial<ShardVerified> = {}): StreamEvent => verdictOn(event.data as FetchShard, over);

test('case 66: dropping the workflow collections and rebuilding gives every workflow back, and sends nothing', async () => {
  const own = await serveWorkflows();
  try {
    const finished = (await own.call('POST', '/workflows', { ...MONTH, collection_name: 'august' }, { 'idempotency-key': 'k' })).json()
      .queue_id;
    const stopped = (await own.call('POST', '/workflows', { ...MONTH, symbol: 'ETHUSDT' })).json().queue_id;
    await own.fold();
    const commands = (await own.events(FETCH)).filter((event) => event.queueid === finished);
    await own.append(
      ...commands.slice(0, 8).map((event) => verdict(event)),
      verdict(commands[8] as StreamEvent, { verdict: 'short', missing: [{ from: Date.UTC(2024, 7, 31), to: Date.UTC(2024, 8, 1) }] }),
    );
    await own.fold();
    const again = (await own.events(FETCH)).filter((event) => (event.data as FetchShard).try === 2);
    await own.append(...again.map((event) => verdict(event)));
    await own.call('POST', `/workflows/${stopped}/stop`);
    await own.fold();
    await own.commit();
    const { workflows } = own.stores;
    const readAll = async () => ({
      documents: (await workflows.listWorkflows()).items.map(({ rev: _, ...document }) => document),
      shards: [await workflows.readShards(finished), await workflows.readShards(stopped)],
      events: [await workflows.readEvents(finished, 0, 1_000), await workflows.readEvents(stopped, 0, 1_000)],
      collection: await workflows.readCollection('august'),
    });
    const before = await readAll();
    assert.deepEqual(before.documents.map(({ status }) => status).sort(), ['finished', 'interrupted']);
    const ends = async () => (await Promise.all(TOPICS.map(({ name }) => own.bus.admin.topic(name)))).map(({ offsets }) => offsets);
    const log = await ends();

    await workflows.dropWorkflows();
    assert.equal((await workflows.listWorkflows()).items.length, 0);
    const rebuilt = await rebuildWorkflows(own.context.ports);

    assert.deepEqual(rebuilt, { workflows: 2, events: before.events.flat().length });
    assert.deepEqual(await readAll(), before);
    assert.deepEqual(await ends(), log);
    assert.equal(
      (await own.call('POST', '/workflows', { ...MONTH, collection_name: 'august' }, { 'idempotency-key': 'k' })).json().queue_id,
      finished,
    );
  } finally {
    await own.close();
  }
});

test('case 66: a rebuild folds no further than the group has committed; what lies above is folded by the consumer, and sends', async () => {
  const own = await serveWorkflows();
  try {
    const id = (await own.call('POST', '/workflows', MONTH)).json().queue_id;
    await own.fold();
    await own.commit();
    await own.append(...(await own.events(FETCH)).map((event) => verdict(event)));

    await rebuildWorkflows(own.context.ports);
    assert.equal((await own.stores.workflows.readWorkflow(id))?.status, 'loading');
    await own.fold();

    assert.equal((await own.stores.workflows.readWorkflow(id))?.status, 'finished');
  } finally {
    await own.close();
  }
});

test('a rebuild with a log that nobody has read yet folds nothing', async () => {
  const own = await serveWorkflows();
  try {
    await own.call('POST', '/workflows', MONTH);

    assert.deepEqual(await rebuildWorkflows(own.context.ports), { workflows: 0, events: 0 });
  } finally {
    await own.close();
  }
});
