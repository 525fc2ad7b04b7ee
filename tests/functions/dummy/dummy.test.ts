import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DummyConfig } from '../../../functions/dummy/config.ts';
import { handle, routes } from '../../../functions/dummy/handle.ts';
import { type Command, command } from '../../../shared/events/command.ts';
import type { QueueEvent } from '../../../shared/events/queue-event.ts';
import type { HttpRequest } from '../../../shared/runtime/define-function.ts';
import { createTestContext, type TestContext } from '../../support/context.ts';

const config: DummyConfig = { mode: 'idle', rate: 10, seconds: 2 };
const aContext = (over: Partial<DummyConfig> = {}): TestContext<DummyConfig> =>
  createTestContext<DummyConfig>({ functionName: 'dummy', config: { ...config, ...over } });
const aCommand = (over: Partial<Command> = {}) => ({
  event: command.build(
    { command: 'ping', queue_id: 'ping-1', target: 'dummy-service', timestamp: 1722500000.123, ...over },
    { producer: 'runtime', time: 1722500000123 },
  ),
});
const said = (context: TestContext<DummyConfig>): QueueEvent[] => context.published.map((event) => event.data as QueueEvent);
const aRequest = (body: unknown, signal = new AbortController().signal): HttpRequest => ({
  method: 'POST',
  path: '/simulate',
  params: {},
  query: new URLSearchParams(),
  headers: {},
  body,
  signal,
});

async function simulate(body: unknown, context: TestContext<DummyConfig>): Promise<{ status: string; sent?: number }[]> {
  const response = await routes[0]?.handle(aRequest(body), context);
  const lines: { status: string; sent?: number }[] = [];
  const reading = (async () => {
    for await (const chunk of response?.stream ?? []) lines.push(JSON.parse(String(chunk)) as { status: string });
  })();
  await context.clock.drain(60_000);
  await reading;
  return lines;
}

test('a ping is answered by a pong with both times in it', async () => {
  const context = aContext();

  await handle(aCommand(), context);

  const [pong] = said(context);
  assert.deepEqual([pong?.type, pong?.queue_id, pong?.message, pong?.finished], ['pong', 'ping-1', 'pong', false]);
  assert.deepEqual(pong?.detail, { pinged_at: 1722500000.123, ponged_at: context.clock.now() / 1000 });
});

test('a command for somebody else, and one that nobody knows, change nothing', async () => {
  const context = aContext({ mode: 'load' });

  for (const over of [{ target: 'fetch' }, { command: 'dance' }, { command: 'stop' }]) await handle(aCommand(over), context);

  assert.deepEqual(context.published, []);
});

test('load sends its rate times its seconds and then ends', async () => {
  const context = aContext();

  const lines = await simulate({ mode: 'load', rate: 20, seconds: 3 }, context);

  const records = said(context);
  assert.equal(records.filter(({ status }) => status === 'loading').length, 60);
  assert.deepEqual([records.at(-1)?.status, records.at(-1)?.finished, records.at(-1)?.records_written], ['completed', true, 60]);
  assert.deepEqual([lines.at(-1)?.status, lines.at(-1)?.sent], ['ended', 60]);
  assert.equal(new Set(context.published.map((event) => event.id)).size, 61);
});

test('fail fails after its seconds, by request and in a consumer', async () => {
  const byRequest = aContext();
  const inConsumer = aContext({ mode: 'fail', seconds: 5 });

  const lines = await simulate({ mode: 'fail', seconds: 5 }, byRequest);
  const failing = assert.rejects(handle(aCommand({ command: 'start' }), inConsumer), { code: 'unclassified' });
  await inConsumer.clock.drain(10_000);

  await failing;
  assert.deepEqual(
    lines.map(({ status }) => status),
    ['running', 'failed'],
  );
});

test('idle does nothing and ends at once', async () => {
  const context = aContext();

  const lines = await simulate({ mode: 'idle' }, context);

  assert.deepEqual(
    lines.map(({ status }) => status),
    ['ended'],
  );
  assert.deepEqual(context.published, []);
});

test('a simulation ends with its request', async () => {
  const context = aContext();
  const gone = new AbortController();
  const response = await routes[0]?.handle(aRequest({ mode: 'load', rate: 1, seconds: 3600 }, gone.signal), context);
  const lines: string[] = [];
  const reading = (async () => {
    for await (const chunk of response?.stream ?? []) lines.push(String(chunk));
  })();
  await context.clock.advance(1_000);

  gone.abort();

  await reading;
  assert.ok(lines.length >= 1);
  assert.ok(!said(context).some(({ status }) => status === 'completed'));
});

test('each bad field of a simulation is named', async () => {
  for (const [body, path] of [
    [{}, 'mode'],
    [{ mode: 'dance' }, 'mode'],
    [{ mode: 'load', rate: 0 }, 'rate'],
    [{ mode: 'load', rate: '5' }, 'rate'],
    [{ mode: 'load', seconds: 3_601 }, 'seconds'],
    [{ mode: 'load', queue_id: 'Ä' }, 'queue_id'],
  ] as const) {
    await assert.rejects(
      async () => routes[0]?.handle(aRequest(body), aContext()),
      (error: { code: string; context: { fields: { path: string }[] } }) => {
        assert.deepEqual([error.code, error.context.fields.map((field) => field.path)], ['invalid_request', [path]]);
        return true;
      },
    );
  }
});
