import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError } from '../../shared/domain/errors.ts';
import { buildGraph } from '../../shared/events/build-graph.ts';
import type { StreamEvent } from '../../shared/events/event.ts';
import { claimKeyOf } from '../../shared/runtime/job-claim-key.ts';
import { whileCurrent } from '../../shared/runtime/while-current.ts';
import type { WorkflowStore, WorkflowView } from '../../shared/store/workflow-store.ts';
import { createTestContext } from '../support/context.ts';

const QUEUE_ID = 'wf-btcusdt-api_candles_5m-20240801-a1b2c3';
const job = { queue_id: QUEUE_ID, attempt: 2 };

/** A context whose store shows these views, one a look; the last one stays. */
function contextWith(...views: (Partial<WorkflowView> | 'unknown' | 'away')[]) {
  const looks = [...views];
  const readViews = async (): Promise<readonly WorkflowView[]> => {
    const view = looks.length > 1 ? looks.shift() : looks[0];
    if (view === 'away') throw new AppError('store_unavailable', 'away');
    return view === 'unknown' || view === undefined ? [] : [{ queue_id: QUEUE_ID, attempt: 2, status: 'training', ...view }];
  };
  return createTestContext({ ports: { workflows: { readViews } as Partial<WorkflowStore> as WorkflowStore } });
}

/** Work that ends when it is aborted. */
const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));

describe('working for an attempt', () => {
  it('returns what the work returns, and stops looking', async () => {
    const context = contextWith({});

    assert.equal(await whileCurrent(context, job, async () => 7), 7);

    assert.deepEqual(context.clock.sleepers(), []);
  });

  const notWanted: [string, Partial<WorkflowView>][] = [
    ['was stopped', { status: 'interrupted' }],
    ['failed', { status: 'error' }],
    ['is finished', { status: 'finished' }],
    ['gave way to a newer one', { attempt: 3 }],
  ];
  for (const [what, view] of notWanted) {
    it(`does not begin where the attempt ${what}`, async () => {
      let began = false;

      const outcome = await whileCurrent(contextWith(view), job, async () => {
        began = true;
      });

      assert.deepEqual([outcome, began], ['superseded', false]);
    });

    it(`aborts the work within half a second where the attempt ${what} meanwhile`, async () => {
      const context = contextWith({}, {}, view);
      const working = whileCurrent(context, job, untilAborted);

      await context.clock.advance(1_000);

      assert.equal(await working, 'superseded');
    });
  }

  it('goes on where the store does not know the workflow, or is away for a look', async () => {
    const context = contextWith('unknown', 'away', {}, { status: 'interrupted' });
    let over = false;
    const working = whileCurrent(context, job, untilAborted).finally(() => {
      over = true;
    });

    await context.clock.advance(1_000);
    assert.equal(over, false);
    await context.clock.advance(500);

    assert.equal(await working, 'superseded');
  });

  it('begins where the store still shows the attempt before', async () => {
    assert.equal(await whileCurrent(contextWith({ attempt: 1, status: 'interrupted' }), job, async () => 'done'), 'done');
  });

  it('rejects with the failure of the work, and with the reason of its own signal', async () => {
    const stop = new AbortController();
    const context = { ...contextWith({}), signal: stop.signal };

    await assert.rejects(
      whileCurrent(context, job, async () => {
        throw new AppError('invalid_request', 'no');
      }),
      { code: 'invalid_request' },
    );
    const working = whileCurrent(context, job, untilAborted);
    setImmediate(() => stop.abort(new AppError('timeout', 'the host stops')));
    await assert.rejects(working, { code: 'timeout' });
  });
});

describe('the claim key of a job', () => {
  const event = (data: unknown): StreamEvent => ({
    id: 'the-id',
    source: '/streamforge/workflows',
    type: buildGraph.type,
    time: '2024-08-01T00:00:00Z',
    partitionkey: QUEUE_ID,
    data,
  });

  it('names its workflow and attempt', () => {
    assert.equal(claimKeyOf('build-graph', event({ ...job, more: 1 })), `build-graph:${QUEUE_ID}:2`);
  });

  it('is the id of a message that does not name them, so that it can be taken and dead-lettered', () => {
    for (const data of [undefined, null, 7, {}, { queue_id: 7, attempt: 2 }, { queue_id: QUEUE_ID, attempt: '2' }]) {
      assert.equal(claimKeyOf('train', event(data)), 'train:the-id');
    }
  });
});
