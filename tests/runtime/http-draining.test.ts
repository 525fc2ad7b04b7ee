import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import type { AppError } from '../../shared/domain/errors.ts';
import type { Route } from '../../shared/runtime/define-function.ts';
import { eventually } from '../support/eventually.ts';
import { startTestServer } from './test-server.ts';

const gate = Promise.withResolvers<void>();
const routes: readonly Route<unknown>[] = [
  { method: 'GET', path: '/things/{thing_id}', handle: async () => ({ status: 200 }) },
  {
    method: 'GET',
    path: '/slow',
    handle: async () => {
      await gate.promise;
      return { status: 200, body: 'late' };
    },
  },
];

describe('draining', () => {
  test('refuses new requests with Retry-After, answers probes, finishes what is in flight, closes', async () => {
    const own = await startTestServer(routes);
    const slow = own.call('GET', '/slow');
    await eventually(async () => (await own.call('GET', '/livez')).status === 200);
    own.health.phase = 'draining';

    own.server.drain();
    const [refused, live, ready] = await Promise.all([own.call('GET', '/things/1'), own.call('GET', '/livez'), own.call('GET', '/readyz')]);
    const settled = own.server.settle(10_000);
    gate.resolve();
    await settled;
    await own.close();

    assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '1']);
    assert.deepEqual([live.status, ready.status, ready.json().status], [200, 503, 'draining']);
    assert.equal((await slow).status, 200);
    await assert.rejects(own.call('GET', '/livez'), { code: 'ECONNREFUSED' });
  });

  test('aborts what is still in flight when the grace is over', async () => {
    let reason: unknown;
    const hung: Route<unknown> = {
      method: 'GET',
      path: '/hung',
      handle: async ({ signal }) => {
        await once(signal, 'abort');
        reason = signal.reason;
        throw signal.reason;
      },
    };
    const own = await startTestServer([hung]);
    const answer = own.call('GET', '/hung').then(
      ({ status }) => status,
      () => 'cut',
    );
    await eventually(async () => (await own.call('GET', '/livez')).status === 200);

    own.server.drain();
    await own.server.settle(20);
    await own.close();

    assert.equal((reason as AppError).code, 'timeout');
    assert.equal(await answer, 503);
  });
});
