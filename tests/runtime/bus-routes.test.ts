import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { AppError } from '../../shared/domain/errors.ts';
import { QUEUE_CONTROL } from '../../shared/events/topics.ts';
import type { FunctionDefinition } from '../../shared/runtime/define-function.ts';
import { type Host, startHost } from '../../shared/runtime/host.ts';
import { silentLogger } from '../../shared/telemetry/pino-logger.ts';
import { eventually } from '../support/eventually.ts';
import { get, post, setUpHosts } from './host-setup.ts';
import { relay } from './relay.ts';

const { folder, start } = setUpHosts();

describe('/bus', () => {
  let host: Host;
  before(async () => {
    host = await startHost({ functions: relay(), port: 0, dataDir: folder('bus'), env: {}, logger: silentLogger });
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
