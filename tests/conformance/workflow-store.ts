import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { StreamEvent } from '../../shared/events/event.ts';
import type { ShardDocument, WorkflowStore } from '../../shared/store/workflow-store.ts';
import { aWorkflow } from '../support/written.ts';
import type { Place, Stores, StoresFactory } from './stores.ts';
import { describeBudget } from './workflow-store-budget.ts';
import { describeClaims } from './workflow-store-claims.ts';

/** What the parts of the suite share: the open store, and names that no other test uses. */
export interface WorkflowSuite {
  readonly workflows: WorkflowStore;
  readonly place: Place<Stores>;
  fresh(what: string): string;
}

let names = 0;

function anEvent(id: string, data: unknown = null): StreamEvent {
  return { id, source: '/streamforge/test', type: 'io.streamforge.test.v1', time: '2024-08-01T00:00:00Z', partitionkey: 'x', data };
}

function aShard(queue_id: string, over: Partial<ShardDocument> = {}): ShardDocument {
  return {
    ...{ queue_id, shard: 'binance:BTCUSDT:candles:5m:0-300000', attempt: 1, try: 1, status: 'sent' as const },
    ...{ series: 'binance:BTCUSDT:candles:5m', from: 0, to: 300_000, counted: 0, missing: [], absent: [], updated_at: 1, ...over },
  };
}

/** The promises of `WorkflowStore`, to be kept by every adapter alike. */
export function describeWorkflowStore(factory: StoresFactory): void {
  describe('WorkflowStore', () => {
    let place: Place<Stores>;
    let stores: Stores;
    const suite: WorkflowSuite = {
      get workflows() {
        return stores.workflows;
      },
      get place() {
        return place;
      },
      fresh: (what) => `${what}-${process.pid}-${++names}`,
    };
    const commit = (...documents: readonly ReturnType<typeof aWorkflow>[]) =>
      suite.workflows.commitChanges(documents.map((document) => ({ document, shards: [], events: [] })));

    before(async () => {
      place = await factory();
      stores = await place.open();
    });
    after(() => place.remove());

    test('a pending workflow comes back as it was inserted, with its first rev', async () => {
      const document = aWorkflow({
        queue_id: suite.fresh('wf'),
        idempotency_key: suite.fresh('key'),
        state: { stages: [{ name: 'load', done: null }], text: 'Ü "quoted"' },
        outbox: [anEvent('a', { n: 0.1 })],
      });

      const inserted = await suite.workflows.insertPending(document);

      const stored = { ...document, rev: 1 };
      assert.deepEqual(inserted, { created: true, stored });
      assert.deepEqual(await suite.workflows.readWorkflow(document.queue_id), stored);
      assert.deepEqual(await suite.workflows.findByIdempotencyKey(document.idempotency_key as string), stored);
      assert.equal(await suite.workflows.readWorkflow(suite.fresh('wf')), undefined);
      assert.equal(await suite.workflows.findByIdempotencyKey(suite.fresh('key')), undefined);
    });

    test('case 68: of inserts with one key, or one queue id, one is stored and all see it, also from two processes', async () => {
      const other = await place.open();
      const key = suite.fresh('key');
      const documents = Array.from({ length: 10 }, () => aWorkflow({ queue_id: suite.fresh('wf'), idempotency_key: key }));

      const outcomes = await Promise.all(
        documents.map((document, i) => (i % 2 === 0 ? suite.workflows : other.workflows).insertPending(document)),
      );
      const again = await suite.workflows.insertPending({ ...aWorkflow(), queue_id: outcomes[0]?.stored.queue_id as string });

      assert.equal(outcomes.filter(({ created }) => created).length, 1);
      assert.equal(new Set(outcomes.map(({ stored }) => stored.queue_id)).size, 1);
      assert.deepEqual(again, { created: false, stored: outcomes[0]?.stored });
      await other.close();
    });

    test('changes are committed all or none under their revs', async () => {
      const [one, two] = [suite.fresh('wf'), suite.fresh('wf')].map((queue_id) => aWorkflow({ queue_id }));
      if (one === undefined || two === undefined) throw new Error('unreachable');
      assert.equal(await commit(one, two), true);
      const changed = { ...one, rev: 1, status: 'loading' as const, attempt: 2, state: [1] };

      assert.equal(await commit(changed, { ...two, rev: 0, status: 'loading' }), false, 'the second is stale');
      assert.equal(await commit(changed, aWorkflow({ queue_id: suite.fresh('wf'), rev: 3 })), false, 'the second is not stored');
      assert.deepEqual(await suite.workflows.readWorkflow(one.queue_id), { ...one, rev: 1 });
      assert.equal(await commit(changed), true);

      assert.deepEqual(await suite.workflows.readWorkflow(one.queue_id), { ...changed, rev: 2 });
      assert.deepEqual(
        await suite.workflows.readViews([two.queue_id, one.queue_id, 'nobody'].sort()).then((views) => new Set(views)),
        new Set([
          { queue_id: one.queue_id, attempt: 2, status: 'loading' },
          { queue_id: two.queue_id, attempt: 1, status: 'pending' },
        ]),
      );
    });

    test('a change cannot take the idempotency key of another workflow', async () => {
      const idempotency_key = suite.fresh('key');
      await commit(aWorkflow({ queue_id: suite.fresh('wf'), idempotency_key }));
      const thief = aWorkflow({ queue_id: suite.fresh('wf'), idempotency_key });

      await assert.rejects(commit(thief), { code: 'idempotency_mismatch' });
      assert.equal(await suite.workflows.readWorkflow(thief.queue_id), undefined);
    });

    test('two writers that race on one workflow lose no update', async () => {
      const other = await place.open();
      const queue_id = suite.fresh('wf');
      await suite.workflows.insertPending(aWorkflow({ queue_id, state: [] }));
      const append = async (workflows: WorkflowStore, item: number): Promise<void> => {
        const document = await workflows.readWorkflow(queue_id);
        if (document === undefined) throw new Error('unreachable');
        const state = [...(document.state as number[]), item];
        if (!(await workflows.commitChanges([{ document: { ...document, state }, shards: [], events: [] }]))) await append(workflows, item);
      };

      await Promise.all(Array.from({ length: 20 }, (_, i) => append(i % 2 === 0 ? suite.workflows : other.workflows, i)));

      const stored = await suite.workflows.readWorkflow(queue_id);
      assert.deepEqual(
        ((stored?.state ?? []) as number[]).toSorted((a, b) => a - b),
        Array.from({ length: 20 }, (_, i) => i),
      );
      assert.equal(stored?.rev, 21);
      await other.close();
    });

    test('case 67: an event is kept once however often it comes, and seq counts from 1 in the order of arrival', async () => {
      const [one, two] = [aWorkflow({ queue_id: suite.fresh('wf') }), aWorkflow({ queue_id: suite.fresh('wf') })];
      const events = ['a', 'b', 'c', 'd'].map((id) => anEvent(id, { id }));
      const [a, b, c, d] = events as [StreamEvent, StreamEvent, StreamEvent, StreamEvent];

      await suite.workflows.commitChanges([
        { document: one, shards: [], events: [a, b, a] },
        { document: two, shards: [], events: [b] },
      ]);
      await suite.workflows.commitChanges([{ document: { ...one, rev: 1 }, shards: [], events: [b, c, d] }]);

      const kept = await suite.workflows.readEvents(one.queue_id, 0, 100);
      assert.deepEqual(
        kept,
        events.map((event, i) => ({ queue_id: one.queue_id, seq: i + 1, event })),
      );
      assert.deepEqual(await suite.workflows.readEvents(one.queue_id, 1, 2), kept.slice(1, 3));
      assert.deepEqual(await suite.workflows.readEvents(two.queue_id, 0, 100), [{ queue_id: two.queue_id, seq: 1, event: b }]);
    });

    test('a lost commit leaves neither shards nor events', async () => {
      const document = aWorkflow({ queue_id: suite.fresh('wf'), rev: 5 });

      assert.equal(await suite.workflows.commitChanges([{ document, shards: [aShard(document.queue_id)], events: [anEvent('a')] }]), false);

      assert.deepEqual(await suite.workflows.readShards(document.queue_id), []);
      assert.deepEqual(await suite.workflows.readEvents(document.queue_id, 0, 10), []);
    });

    test('shards are one document each, the last one written, and are found by attempt and status', async () => {
      const document = aWorkflow({ queue_id: suite.fresh('wf') });
      const [first, second] = [aShard(document.queue_id, { shard: 's1' }), aShard(document.queue_id, { shard: 's2', attempt: 2 })];
      const failed = {
        ...first,
        status: 'failed' as const,
        error: { code: 'rows_missing', message: 'x' },
        missing: [{ from: 1, to: 2, from_id: 3, to_id: 4 }],
      };
      await suite.workflows.commitChanges([{ document, shards: [first, second], events: [] }]);
      await suite.workflows.commitChanges([{ document: { ...document, rev: 1 }, shards: [failed], events: [] }]);

      assert.deepEqual(await suite.workflows.readShards(document.queue_id), [failed, second]);
      assert.deepEqual(await suite.workflows.readShards(document.queue_id, { attempt: 2 }), [second]);
      assert.deepEqual(await suite.workflows.readShards(document.queue_id, { status: 'failed' }), [failed]);
      assert.deepEqual(await suite.workflows.readShards(document.queue_id, { limit: 1 }), [failed]);
      assert.deepEqual(await suite.workflows.readShards(suite.fresh('wf')), []);
    });

    test('outboxes are emptied together, under their revs', async () => {
      const documents = [1, 2].map((n) => aWorkflow({ queue_id: suite.fresh('wf'), outbox: [anEvent(`e${n}`)] }));
      await commit(...documents);
      const sent = documents.map(({ queue_id }) => ({ queue_id, rev: 1 }));
      const outboxes = () =>
        Promise.all(
          sent.map(async ({ queue_id }) => suite.workflows.readWorkflow(queue_id).then((found) => [found?.outbox.length, found?.rev])),
        );

      assert.equal(await suite.workflows.clearOutbox([...sent.slice(0, 1), { queue_id: sent[1]?.queue_id as string, rev: 9 }]), false);
      assert.deepEqual(await outboxes(), [
        [1, 1],
        [1, 1],
      ]);
      assert.equal(await suite.workflows.clearOutbox(sent), true);
      assert.deepEqual(await outboxes(), [
        [0, 2],
        [0, 2],
      ]);
    });

    test('workflows are listed newest first, filtered and paged', async () => {
      const symbol = suite.fresh('SYM');
      const documents = Array.from({ length: 7 }, (_, i) =>
        aWorkflow({
          queue_id: suite.fresh('wf'),
          ...{ symbols: ['ETHUSDT', symbol], types: [i % 2 === 0 ? 'api_trades' : 'api_candles_5m'], created_at: 100 + Math.floor(i / 2) },
          status: i === 3 ? 'error' : 'pending',
        }),
      );
      await commit(...documents);
      const newestFirst = documents
        .toSorted((a, b) => b.created_at - a.created_at || (a.queue_id < b.queue_id ? 1 : -1))
        .map(({ queue_id }) => queue_id);
      const list = async (filter: object) => {
        const { items, cursor } = await suite.workflows.listWorkflows({ symbol, ...filter });
        return { ids: items.map(({ queue_id }) => queue_id), cursor };
      };

      const pages: string[] = [];
      let page = await list({ limit: 3 });
      for (; page.cursor !== undefined; page = await list({ limit: 3, cursor: page.cursor })) {
        assert.equal(page.ids.length, 3);
        pages.push(...page.ids);
      }

      assert.deepEqual([...pages, ...page.ids], newestFirst);
      assert.deepEqual(await list({}), { ids: newestFirst, cursor: undefined });
      assert.deepEqual((await list({ status: 'error' })).ids, [documents[3]?.queue_id]);
      assert.equal((await list({ type: 'api_trades' })).ids.length, 4);
      assert.deepEqual((await list({ symbol: 'SYM' })).ids, [], 'a symbol is not found by a part of it');
      await assert.rejects(list({ cursor: 'x' }), { code: 'invalid_request' });
    });

    describeClaims(suite);
    describeBudget(suite);

    test('case 66: dropping workflows takes documents, shards, events and collections, and leaves claims', async () => {
      const document = aWorkflow({ queue_id: suite.fresh('wf') });
      const name = suite.fresh('collection');
      await suite.workflows.commitChanges([{ document, shards: [aShard(document.queue_id)], events: [anEvent('a')] }]);
      await suite.workflows.putCollection({ name, queue_id: document.queue_id, selections: [], created_at: 1 });
      await suite.workflows.acquireClaim(name, 'token', 1, 10);

      await suite.workflows.dropWorkflows();

      assert.deepEqual(await suite.workflows.listWorkflows(), { items: [] });
      assert.deepEqual(await suite.workflows.readShards(document.queue_id), []);
      assert.deepEqual(await suite.workflows.readEvents(document.queue_id, 0, 10), []);
      assert.equal(await suite.workflows.readCollection(name), undefined);
      assert.equal((await suite.workflows.readClaim(name))?.token, 'token');
    });
  });
}
