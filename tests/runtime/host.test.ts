import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { z } from 'zod';
import { openEmbeddedBus } from '../../shared/bus/embedded/embedded-bus.ts';
import { AppError } from '../../shared/domain/errors.ts';
import { command } from '../../shared/events/command.ts';
import { queueEvent } from '../../shared/events/queue-event.ts';
import { QUEUE_CONTROL, QUEUE_EVENTS } from '../../shared/events/topics.ts';
import { defineFunction, type FunctionDefinition, type FunctionModule } from '../../shared/runtime/define-function.ts';
import { type Host, type HostOptions, startHost } from '../../shared/runtime/host.ts';
import { runFunction } from '../../shared/runtime/run-function.ts';
import { silentLogger } from '../../shared/telemetry/pino-logger.ts';
import { parseTraceparent } from '../../shared/telemetry/trace.ts';
import { eventually } from '../support/eventually.ts';

const scaling = { maxReplicas: 1, memoryMiB: 64, cpuMillis: 100 };

/** Two functions that meet in two contracts: HTTP -> command -> queue-event. */
function relay(
  modules: { web?: Partial<FunctionModule<never>>; worker?: Partial<FunctionModule<never>> } = {},
): readonly FunctionDefinition[] {
  const web = defineFunction({
    name: 'web',
    publishedNames: [],
    triggers: [{ kind: 'http', name: 'web-http', accepts: [], scaling }],
    sends: [command.type],
    settings: { greeting: { env: 'GREETING', schema: z.string().default('hello'), meaning: 'what is said' } },
    load: async () => ({
      routes: [
        {
          method: 'POST',
          path: '/say',
          async handle(_request, { publisher, config, clock }) {
            await publisher.publish([
              command.build({ command: config.greeting, queue_id: 'wf-1', timestamp: 1 }, { producer: 'web', time: clock.now() }),
            ]);
            return { status: 202, body: { said: config.greeting } };
          },
        },
      ],
      ...(modules.web as object),
    }),
  });
  const worker = defineFunction({
    name: 'worker',
    publishedNames: [],
    triggers: [
      {
        kind: 'topic',
        name: 'worker-events',
        group: 'worker',
        topics: [QUEUE_CONTROL],
        events: [command.type],
        handler: 'handle',
        replayable: false,
        scaling,
      },
    ],
    sends: [queueEvent.type],
    settings: {},
    load: async () => ({
      async handle({ event }, { publisher, clock }) {
        const said = command.parse(event);
        if (said.command === 'ping') {
          const pong = {
            queue_id: said.queue_id,
            attempt: 1,
            producer: 'worker__1',
            symbol: '',
            type: 'pong',
            status: 'completed' as const,
            message: 'pong',
            records_written: 0,
            finished: false,
            timestamp: clock.now() / 1_000,
          };
          await publisher.publish([queueEvent.build(pong, { producer: 'worker', time: clock.now() })]);
          return;
        }
        const heard = {
          queue_id: said.queue_id,
          attempt: 1,
          producer: 'worker__1',
          symbol: '',
          type: '',
          status: 'completed' as const,
          message: said.command,
          records_written: 0,
          finished: true,
          timestamp: 1,
        };
        await publisher.publish([queueEvent.build(heard, { producer: 'worker', time: clock.now() })]);
      },
      ...(modules.worker as object),
    }),
  });
  return [web, worker] as unknown as readonly FunctionDefinition[];
}

let dir: string;
const hosts: Pick<Host, 'stop'>[] = [];
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'streamforge-host-'));
});
after(() => rm(dir, { recursive: true }));
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.stop({ graceMs: 0 });
});

let folders = 0;
async function start(options: Partial<HostOptions> = {}): Promise<Host> {
  folders += 1;
  const host = await startHost({
    functions: relay(),
    port: 0,
    dataDir: join(dir, String(folders)),
    env: {},
    logger: silentLogger,
    ...options,
  });
  hosts.push(host);
  return host;
}

const get = async (host: Host, path: string) => (await fetch(`${host.url}${path}`)).json() as Promise<Record<string, unknown>>;
const post = (host: Host, path: string, body: unknown = {}) =>
  fetch(`${host.url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

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
    const { createLogger } = await import('../../shared/telemetry/pino-logger.ts');
    const functions = relay();
    const listening = relay({
      worker: {
        async handle({ event }: { event: { traceparent?: string } }, context: { logger: { info(fields: object, message: string): void } }) {
          context.logger.info({ received: event.traceparent }, 'heard');
        },
      } as never,
    });
    const host = await start({
      functions: [functions[0], listening[1]] as FunctionDefinition[],
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
    // A second takes a millisecond here.
    const clock = {
      now: () => Date.now(),
      sleep: (ms: number, signal?: AbortSignal) =>
        import('../../shared/runtime/system-clock.ts').then(({ systemClock }) => systemClock.sleep(ms / 100, signal)),
    };

    await start({ functions: [ticking as unknown as FunctionDefinition], clock });

    await eventually(() => ticks >= 3);
  });

  test('deletes nothing of a second host: the folder is locked', async () => {
    const host = await start();
    const same = join(dir, String(folders));

    await assert.rejects(startHost({ functions: relay(), port: 0, dataDir: same, env: {}, logger: silentLogger }), {
      code: 'data_dir_locked',
    });

    assert.equal((await fetch(`${host.url}/livez`)).status, 200);
  });

  test('keeps everything over a restart', async () => {
    const dataDir = join(dir, 'restarted');
    const first = await start({ dataDir });
    await post(first, '/say');
    await first.stop();

    const second = await start({ dataDir });

    const { topics } = (await get(second, '/bus/topics')) as { topics: { name: string; records: number }[] };
    assert.equal(topics.find(({ name }) => name === QUEUE_CONTROL)?.records, 1);
  });
});

describe('a start that fails leaves nothing behind', () => {
  const broken = {
    ...relay()[0],
    settings: { need: { env: 'NEEDED', schema: z.string(), meaning: 'what it needs' } },
  } as unknown as FunctionDefinition;

  test('settings: every problem is named and no file is made', async () => {
    const dataDir = join(dir, 'never-made');

    await assert.rejects(startHost({ functions: [broken], dataDir, env: { PORT: 'x' }, logger: silentLogger }), (error: AppError) => {
      assert.deepEqual(error.context.fields?.map(({ path }) => path).sort(), ['NEEDED', 'PORT']);
      return true;
    });
    assert.ok(!(await readdir(dir)).includes('never-made'));
  });

  for (const [what, options, code] of [
    ['an address without a token', { env: { HOST: '0.0.0.0' } }, 'missing_setting'],
    ['Kafka, which is not there yet', { env: { KAFKA_BOOTSTRAP_SERVERS: 'kafka:9093' } }, 'not_yet_supported'],
    ['ArangoDB, which is not there yet', { env: { ARANGO_URL: 'http://db:8529' } }, 'not_yet_supported'],
    ['OIDC, which is not there yet', { env: { OIDC_ISSUER: 'https://issuer' } }, 'not_yet_supported'],
    [
      'code that cannot be loaded',
      { functions: [{ ...relay()[0], load: () => Promise.reject(new Error('torn')) } as unknown as FunctionDefinition] },
      undefined,
    ],
    [
      'two functions with one route',
      {
        functions: [
          relay()[0],
          { ...relay()[0], name: 'web2', triggers: [{ kind: 'http', name: 'web2-http', accepts: [], scaling }] },
        ] as FunctionDefinition[],
      },
      'invalid_setting',
    ],
  ] as const) {
    test(`${what}: the folder is free for the next start`, async () => {
      const dataDir = join(dir, `failed-${what.slice(0, 12).replaceAll(' ', '-')}`);

      await assert.rejects(
        startHost({ functions: relay(), port: 0, dataDir, env: {}, logger: silentLogger, ...options }),
        (error: AppError) => code === undefined || error.code === code,
      );

      const log = await openEmbeddedBus({ dir: dataDir });
      await log.close();
    });
  }
});

describe('/bus', () => {
  let host: Host;
  before(async () => {
    host = await startHost({ functions: relay(), port: 0, dataDir: join(dir, 'bus'), env: {}, logger: silentLogger });
  });
  after(() => host.stop({ graceMs: 0 }));

  test('lists topics with their records, and the lag of each group', async () => {
    const { topics } = (await get(host, '/bus/topics')) as {
      topics: { name: string; partitions: number; retention_ms: number; records: number }[];
    };

    assert.deepEqual(
      topics
        .filter(({ name }) => name === QUEUE_CONTROL)
        .map(({ partitions, retention_ms, records }) => [partitions, retention_ms, records]),
      [[1, 7 * 86_400_000, 0]],
    );
  });

  test('tails a topic from its beginning and then live, one JSON document a record', async () => {
    await post(host, '/say');
    const leaving = new AbortController();
    const response = await fetch(`${host.url}/bus/topics/${QUEUE_CONTROL}/tail?from=earliest`, { signal: leaving.signal });
    const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();

    const first = String((await reader.read()).value);
    await post(host, '/say');
    const second = String((await reader.read()).value);
    leaving.abort();

    const record = JSON.parse(first.split('data: ')[1] ?? '') as Record<string, unknown>;
    assert.deepEqual([record.topic, record.offset, record.key], [QUEUE_CONTROL, 0, 'wf-1']);
    assert.deepEqual(record.value, { command: 'hello', queue_id: 'wf-1', timestamp: 1 });
    assert.match(second, /^id: 0:1\n/);
  });

  for (const path of ['/bus/topics/nothing/tail', '/bus/dlq/nothing']) {
    test(`404 for a topic that is not there: ${path}`, async () => {
      assert.equal((await fetch(`${host.url}${path}`)).status, 404);
    });
  }

  test('400 for a tail from nowhere', async () => {
    assert.equal((await fetch(`${host.url}/bus/topics/${QUEUE_CONTROL}/tail?from=yesterday`)).status, 400);
  });

  test('pings through the log and back', async () => {
    const report = (await (await post(host, '/bus/ping', { repeat: 5 })).json()) as {
      sent: number;
      answered: number;
      round_trip_ms: Record<string, number>;
    };

    assert.deepEqual([report.sent, report.answered], [5, 5]);
    assert.deepEqual(Object.keys(report.round_trip_ms), ['min', 'p50', 'p90', 'p99', 'max']);
    assert.ok((report.round_trip_ms.min ?? 0) > 0 && (report.round_trip_ms.min ?? 0) <= (report.round_trip_ms.p50 ?? 0));
  });

  test('checks what it is asked', async () => {
    for (const [body, path] of [
      [{ repeat: 0 }, 'repeat'],
      [{ repeat: 'many' }, 'repeat'],
      [{ target: '' }, 'target'],
    ] as const) {
      const answer = await post(host, '/bus/ping', body);
      const { fields } = (await answer.json()) as { fields: { path: string }[] };
      assert.deepEqual([answer.status, fields.map((field) => field.path)], [400, [path]]);
    }
  });

  test('lists dead letters and replays them into the handler that failed', async () => {
    let broken = true;
    const handled: string[] = [];
    const [web, worker] = relay({
      worker: {
        async handle({ event }: { event: { id: string } }) {
          if (broken) throw new AppError('contract_mismatch', 'not today');
          handled.push(event.id);
        },
      } as never,
    });
    const replayable = { ...worker, triggers: worker?.triggers.map((trigger) => ({ ...trigger, replayable: true })) } as FunctionDefinition;
    const own = await start({ functions: [web as FunctionDefinition, replayable] });
    await post(own, '/say');
    const letters = async () => ((await get(own, `/bus/dlq/${QUEUE_CONTROL}`)) as { letters: Record<string, unknown>[] }).letters;
    await eventually(async () => (await letters()).length === 1);

    const failing = await (await post(own, `/bus/dlq/${QUEUE_CONTROL}`)).json();
    broken = false;
    const working = await (await post(own, `/bus/dlq/${QUEUE_CONTROL}`)).json();
    const again = await (await post(own, `/bus/dlq/${QUEUE_CONTROL}`)).json();

    assert.deepEqual(failing, {
      replayed: 0,
      failed: 1,
      skipped: 0,
      failures: [{ partition: 0, offset: 0, group: 'worker', code: 'contract_mismatch', cause: 'not today' }],
    });
    assert.deepEqual(
      [working, again],
      [
        { replayed: 1, failed: 0, skipped: 0, failures: [] },
        { replayed: 0, failed: 0, skipped: 0, failures: [] },
      ],
    );
    assert.equal(handled.length, 1);
    const [letter] = await letters();
    assert.deepEqual(
      [letter?.topic, letter?.offset, letter?.code, letter?.group, letter?.replayed, letter?.queue_id],
      [QUEUE_CONTROL, 0, 'contract_mismatch', 'worker', true, 'wf-1'],
    );
  });

  test('replays nothing of a trigger that says so: a nudge of yesterday is over', async () => {
    const answer = await post(host, `/bus/dlq/${QUEUE_CONTROL}`);

    assert.deepEqual([answer.status, ((await answer.json()) as { code: string }).code], [400, 'invalid_request']);
  });
});

describe('one function alone', () => {
  test('serves as http, with probes that ask nobody', async () => {
    const running = await runFunction({
      definition: relay()[0] as FunctionDefinition,
      mode: 'http',
      port: 0,
      dataDir: join(dir, 'alone'),
      env: {},
      logger: silentLogger,
    });

    hosts.push(running);
    assert.equal((await fetch(`${running.url}/readyz`)).status, 200);
    assert.equal((await fetch(`${running.url}/say`, { method: 'POST' })).status, 202);
    assert.equal((await fetch(`${running.url}/bus/topics`)).status, 404);
    await running.stop();
    await running.ended;
  });

  test('is refused as a consumer without Kafka, with what to do instead', async () => {
    await assert.rejects(
      runFunction({ definition: relay()[1] as FunctionDefinition, mode: 'kafka', port: 0, dataDir: join(dir, 'alone-2'), env: {} }),
      (error: AppError) => error.code === 'missing_setting' && /KAFKA_BOOTSTRAP_SERVERS.*serve --functions worker/.test(error.message),
    );
  });

  test('is refused in a mode that it has no trigger for', async () => {
    await assert.rejects(runFunction({ definition: relay()[0] as FunctionDefinition, mode: 'job', env: {} }), { code: 'invalid_setting' });
  });
});
