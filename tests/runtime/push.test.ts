import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { AppError, type ErrorCode } from '../../shared/domain/errors.ts';
import type { StreamEvent } from '../../shared/events/event.ts';
import { toHttp, toHttpBatch } from '../../shared/events/http-codec.ts';
import type { Context } from '../../shared/runtime/context.ts';
import { createPushReceiver, pushRoutes } from '../../shared/runtime/http/push.ts';
import { createTestContext } from '../support/context.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const TYPE = 'io.streamforge.candles.v1';
function anEvent(id: string, overrides: Partial<StreamEvent> = {}): StreamEvent {
  return {
    id,
    source: '/streamforge/test',
    type: TYPE,
    time: '2024-08-01T00:00:00Z',
    partitionkey: 'k',
    subject: 'k',
    data: { id },
    ...overrides,
  };
}

const handled: { event: StreamEvent; context: Context }[] = [];
const failures = new Map<string, unknown>();
let t: TestServer;

before(async () => {
  const receiver = createPushReceiver(
    { name: 'predict-http', accepts: [TYPE] },
    {
      async handle({ event }, context) {
        if (failures.has(event.id)) throw failures.get(event.id);
        handled.push({ event, context });
      },
    },
    createTestContext(),
  );
  t = await startTestServer([], { more: pushRoutes(receiver === undefined ? [] : [receiver]) });
});
after(() => t.close());
beforeEach(() => {
  handled.length = 0;
  failures.clear();
});

const push = (path: string, { headers, body }: ReturnType<typeof toHttp>) => t.call('POST', path, { headers, body });
const ids = (): string[] => handled.map(({ event }) => event.id);

describe('events by push', () => {
  for (const mode of ['binary', 'structured'] as const) {
    test(`are taken in ${mode} mode and answered 204`, async () => {
      const event = anEvent('e1', { queueid: 'wf-1' });

      const answer = await push('/', toHttp(event, mode));

      assert.deepEqual([answer.status, answer.text], [204, '']);
      const { traceparent: _, ...received } = handled[0]?.event ?? anEvent('none');
      assert.deepEqual(received, event);
    });
  }

  test('are taken in batches, in order; an empty one is fine', async () => {
    assert.equal((await push('/batch', toHttpBatch([anEvent('e1'), anEvent('e2')]))).status, 204);
    assert.equal((await push('/batch', toHttpBatch([]))).status, 204);

    assert.deepEqual(ids(), ['e1', 'e2']);
  });

  test('take a batch at /batch only, and one event at / only', async () => {
    assert.equal((await push('/', toHttpBatch([anEvent('e1')]))).status, 415);
    assert.equal((await push('/batch', toHttp(anEvent('e1')))).status, 415);
    assert.deepEqual(ids(), []);
  });

  for (const type of ['io.streamforge.trades.v1', 'io.streamforge.fetch-shard.v1', 'io.streamforge.queue-event.v1', 'org.example.other']) {
    test(`are refused where the function does not declare them: ${type}`, async () => {
      const answer = await push('/', toHttp(anEvent('e1', { type })));

      assert.deepEqual([answer.status, answer.json().code], [422, 'contract_mismatch']);
      assert.deepEqual(answer.json().fields, [{ path: 'type', problem: 'is not accepted here', allowed: TYPE }]);
    });
  }

  test('of a batch are not handled at all where one of them is not declared', async () => {
    const answer = await push('/batch', toHttpBatch([anEvent('e1'), anEvent('e2', { type: 'io.streamforge.trades.v1' })]));

    assert.equal(answer.status, 422);
    assert.deepEqual(ids(), []);
  });

  for (const [code, status] of [
    ['state_conflict', 204],
    ['contract_mismatch', 422],
    ['not_found', 400],
    ['unknown_symbol', 400],
    ['store_unavailable', 503],
    ['rate_limited', 429],
    ['unclassified', 503],
  ] as const satisfies readonly (readonly [ErrorCode, number])[]) {
    test(`that fail with ${code} are answered ${status}`, async () => {
      failures.set('e1', new AppError(code, 'a failure'));

      const answer = await push('/', toHttp(anEvent('e1')));

      assert.equal(answer.status, status);
      assert.equal(answer.headers['retry-after'], status === 503 || status === 429 ? '1' : undefined);
    });
  }

  for (const [what, headers, body, status, code] of [
    ['no id', { 'ce-id': undefined }, '{}', 400, 'unparsable_event'],
    ['no source', { 'ce-source': undefined }, '{}', 400, 'unparsable_event'],
    ['no type', { 'ce-type': undefined }, '{}', 400, 'unparsable_event'],
    ['another spec version', { 'ce-specversion': '0.3' }, '{}', 400, 'unparsable_event'],
    ['a body that is not JSON', {}, '{', 400, 'unparsable_event'],
    ['another format', { 'content-type': 'application/cloudevents+xml' }, '<a/>', 415, 'unsupported_media_type'],
    ['text', { 'content-type': 'text/plain' }, 'x', 415, 'unsupported_media_type'],
  ] as const) {
    test(`with ${what} are answered ${status} ${code}`, async () => {
      const given = Object.entries({ ...toHttp(anEvent('e1')).headers, ...headers }).filter(([, value]) => value !== undefined);

      const answer = await t.call('POST', '/', { headers: Object.fromEntries(given) as Record<string, string>, body });

      assert.deepEqual([answer.status, answer.json().code], [status, code]);
      assert.deepEqual(ids(), []);
    });
  }

  test('may have 1 MiB, and not a byte more', async () => {
    const headers = toHttp(anEvent('e1')).headers;

    assert.equal((await t.call('POST', '/', { headers, body: `"${'x'.repeat(1_048_574)}"` })).status, 204);
    assert.equal((await t.call('POST', '/', { headers, body: `"${'x'.repeat(1_048_575)}"` })).status, 413);
  });

  test('in a batch: one that is to be tried again stops the batch, so that order is kept', async () => {
    failures.set('e2', new AppError('store_unavailable', 'away'));

    const answer = await push('/batch', toHttpBatch([anEvent('e1'), anEvent('e2'), anEvent('e3')]));

    assert.deepEqual([answer.status, ids()], [503, ['e1']]);
  });

  test('in a batch: one that can never be handled is told, the others are handled', async () => {
    failures.set('e2', new AppError('contract_mismatch', 'e2 is odd'));

    const answer = await push('/batch', toHttpBatch([anEvent('e1'), anEvent('e2'), anEvent('e3')]));

    assert.deepEqual([answer.status, answer.json().detail, ids()], [422, 'e2 is odd', ['e1', 'e3']]);
  });

  test("are handled in their own trace, or in the request's where they have none", async () => {
    const [own, outer] = ['a'.repeat(32), 'b'.repeat(32)];
    const outside = { traceparent: `00-${outer}-${'1'.repeat(16)}-01` };
    const message = toHttp(anEvent('e1', { traceparent: `00-${own}-${'1'.repeat(16)}-01` }));

    await t.call('POST', '/', { headers: { ...message.headers, ...outside }, body: message.body });
    const plain = toHttp(anEvent('e2'));
    await t.call('POST', '/', { headers: { ...plain.headers, ...outside }, body: plain.body });

    assert.deepEqual(
      handled.map(({ event }) => event.traceparent?.split('-')[1]),
      [own, outer],
    );
  });
});

test('a function that accepts nothing has no door for events', async () => {
  assert.equal(createPushReceiver({ name: 'x', accepts: [] }, {}, createTestContext()), undefined);
  const t2 = await startTestServer([], { more: pushRoutes([]) });

  const { headers, body } = toHttp(anEvent('e1'));

  assert.equal((await t2.call('POST', '/', { headers, body })).status, 404);
  await t2.close();
});
