import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AppError } from '../../shared/domain/errors.ts';
import { createHealth } from '../../shared/runtime/health.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { startTestServer } from './test-server.ts';

describe('readiness', () => {
  test('is not there before the start is over, nor while draining', async () => {
    const health = createHealth([], createFakeClock());

    assert.equal((await health.readiness()).status, 'starting');
    health.phase = 'running';
    assert.equal((await health.readiness()).status, 'ok');
    health.phase = 'draining';
    assert.equal((await health.readiness()).status, 'draining');
  });

  test('names what is away, and comes back with it', async () => {
    const clock = createFakeClock();
    let away = true;
    const health = createHealth(
      [
        { name: 'log', run: async () => undefined },
        {
          name: 'store',
          run: async () => {
            if (away) throw new AppError('store_unavailable', 'no answer');
          },
        },
      ],
      clock,
    );
    health.phase = 'running';

    assert.deepEqual(await health.readiness(), { status: 'unavailable', checks: { log: 'ok', store: 'store_unavailable: no answer' } });
    away = false;
    await clock.advance(1_000);
    assert.deepEqual(await health.readiness(), { status: 'ok', checks: { log: 'ok', store: 'ok' } });
  });

  test('does not wait for a dependency that says nothing', async () => {
    const clock = createFakeClock();
    const health = createHealth([{ name: 'store', run: () => new Promise(() => undefined) }], clock);
    health.phase = 'running';

    const report = health.readiness();
    await clock.advance(2_000);

    assert.equal((await report).checks.store, 'timeout: no answer within 2000 ms');
  });

  test('asks dependencies once a second at most, however many probes come', async () => {
    const clock = createFakeClock();
    let asked = 0;
    const health = createHealth([{ name: 'store', run: async () => void asked++ }], clock);
    health.phase = 'running';

    for (let probe = 0; probe < 100; probe++) await health.readiness();
    await clock.advance(1_000);
    await health.readiness();

    assert.equal(asked, 2);
  });
});

describe('the probes', () => {
  test('tell the truth of each phase, under both names', async () => {
    const t = await startTestServer([]);
    const statuses = async (): Promise<number[]> =>
      Promise.all(
        ['/livez', '/readyz', '/startupz', '/health/live', '/health/ready', '/health/startup'].map(
          async (path) => (await t.call('GET', path)).status,
        ),
      );

    const starting = await statuses();
    t.health.phase = 'running';
    const running = await statuses();
    t.health.phase = 'draining';
    const draining = await statuses();

    assert.deepEqual(starting, [200, 503, 503, 200, 503, 503]);
    assert.deepEqual(running, [200, 200, 200, 200, 200, 200]);
    assert.deepEqual(draining, [200, 503, 200, 200, 503, 200]);
    await t.close();
  });
});
