import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AppError } from '../../shared/domain/errors.ts';
import { QUEUE_CONTROL, QUEUE_EVENTS } from '../../shared/events/topics.ts';
import type { Clock } from '../../shared/runtime/context.ts';
import { defineFunction } from '../../shared/runtime/define-function.ts';
import { startHost } from '../../shared/runtime/host.ts';
import { systemClock } from '../../shared/runtime/system-clock.ts';
import { createLogger, silentLogger } from '../../shared/telemetry/pino-logger.ts';
import { parseTraceparent } from '../../shared/telemetry/trace.ts';
import { eventually } from '../support/eventually.ts';
import { get, post, setUpHosts } from './host-setup.ts';
import { relay, scaling } from './relay.ts';

const { folder, start } = setUpHosts();

describe('the local host', () => {
  test('runs functions of all kinds on one port and one log', async () => {
    const host = await start({ env: { GREETING: 'good morning' } });

    const answer = await post(host, '/say');

    assert.deepEqual([answer.status, await answer.json()], [202, { said: 'good morning' }]);
    await eventually(async () => {
      const { lags } = (await get(host, '/bus/topics')) as { lags: { group: string; lag: number }[] };
      return lags.some(({ group, lag }) => group === 'worker' && lag === 0);
    });
  });

  test('carries one trace from the HTTP request over each event to the last log line', async () => {
    const lines: Record<string, unknown>[] = [];
    const functions = relay({
      worker: {
        async handle({ event }: { event: { traceparent?: string } }, context: { logger: { info(fields: object, message: string): void } }) {
          context.logger.info({ received: event.traceparent }, 'heard');
        },
      } as never,
    });
    const host = await start({
      functions,
      logger: createLogger({ level: 'info', write: (line) => void lines.push(JSON.parse(line)) }),
    });
    const trace = 'c'.repeat(32);

    await fetch(`${host.url}/say`, { method: 'POST', headers: { traceparent: `00-${trace}-${'d'.repeat(16)}-01` } });

    const heard = () => lines.find(({ message }) => message === 'heard');
    await eventually(() => heard() !== undefined);
    const line = heard() ?? {};
    assert.deepEqual([line.function, line.queue_id], ['worker', 'wf-1']);
    const [received, own] = [parseTraceparent(String(line.received)), parseTraceparent(String(line.traceparent))];
    assert.deepEqual([received?.traceId, own?.traceId], [trace, trace]);
    assert.notEqual(received?.spanId, own?.spanId);
  });

  test('passes the trace on in what a handler sends', async () => {
    const host = await start();
    const trace = 'e'.repeat(32);

    await fetch(`${host.url}/say`, { method: 'POST', headers: { traceparent: `00-${trace}-${'d'.repeat(16)}-01` } });

    await eventually(async () => {
      for await (const records of host.ports.bus.read({ topic: QUEUE_EVENTS, from: 'earliest', untilEnd: true })) {
        if (records.some(({ headers }) => headers.ce_traceparent?.includes(trace))) return true;
      }
      return false;
    });
  });

  test('has probes, metrics by route and trigger, a description and its page', async () => {
    const host = await start();
    await post(host, '/say');
    await eventually(async () =>
      (await (await fetch(`${host.url}/metrics`)).text()).includes(
        'streamforge_events_handled_total{function="worker",trigger="worker-events",outcome="handled"} 1',
      ),
    );

    assert.deepEqual(await get(host, '/readyz'), { status: 'ok', checks: { log: 'ok', store: 'ok', consumers: 'ok' } });
    const metrics = await (await fetch(`${host.url}/metrics`)).text();
    assert.match(metrics, /streamforge_http_requests_total\{method="POST",route="\/say",status="2xx"\} 1/);
    assert.match(metrics, /streamforge_events_published_total\{function="web",type="io.streamforge.command.v1"\} 1/);
    assert.match(metrics, /streamforge_consumer_lag\{group="worker",topic="queue-control"\} \d/);
    const { paths } = (await get(host, '/openapi.json')) as { paths: Record<string, unknown> };
    for (const path of ['/say', '/bus/topics', '/bus/topics/{topic}/tail', '/bus/dlq/{topic}', '/bus/ping', '/livez'])
      assert.ok(path in paths, path);
    assert.equal((await fetch(`${host.url}/docs`)).status, 200);
  });

  test('runs the functions that are asked for, and refuses names that are none', async () => {
    const host = await start({ functionsFilter: ['web'] });

    const { lags } = (await get(host, '/bus/topics')) as { lags: unknown[] };
    assert.deepEqual(lags, []);
    await assert.rejects(
      start({ functionsFilter: ['web', 'nobody'] }),
      (error: AppError) => error.code === 'invalid_setting' && error.message.includes('nobody'),
    );
  });

  test('runs schedules as timers', async () => {
    let ticks = 0;
    const ticking = defineFunction({
      name: 'ticking',
      publishedNames: [],
      triggers: [{ kind: 'schedule', name: 'ticking-tick', everyMs: 1_000, scaling }],
      sends: [],
      settings: {},
      load: async () => ({
        tick: async () => {
          ticks += 1;
          if (ticks === 1) throw new Error('the first one fails');
        },
      }),
    });
    // A second takes ten milliseconds here.
    const clock: Clock = { now: systemClock.now, sleep: (ms, signal) => systemClock.sleep(ms / 100, signal) };

    await start({ functions: [ticking], clock });

    await eventually(() => ticks >= 3);
  });

  test('deletes nothing of a second host: the folder is locked', async () => {
    const same = folder('locked');
    const host = await start({ dataDir: same });

    await assert.rejects(startHost({ functions: relay(), port: 0, dataDir: same, env: {}, logger: silentLogger }), {
      code: 'data_dir_locked',
    });

    assert.equal((await fetch(`${host.url}/livez`)).status, 200);
  });

  test('brings its own exchange where it is asked to simulate', async () => {
    const host = await start({ functions: [], simulate: { seed: 3 } });

    const symbols = await host.ports.exchange('binance').symbols();

    assert.ok(symbols.some(({ symbol }) => symbol === 'BTCUSDT'));
  });

  test('keeps everything over a restart', async () => {
    const dataDir = folder('restarted');
    const first = await start({ dataDir });
    await post(first, '/say');
    await first.stop();

    const second = await start({ dataDir });

    const { topics } = (await get(second, '/bus/topics')) as { topics: { name: string; records: number }[] };
    assert.equal(topics.find(({ name }) => name === QUEUE_CONTROL)?.records, 1);
  });
});
