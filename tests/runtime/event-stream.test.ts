import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { HttpRequest, Route } from '../../shared/runtime/define-function.ts';
import { EVENT_STREAM, formatServerSentEvent } from '../../shared/runtime/http/server-sent-events.ts';
import { eventually } from '../support/eventually.ts';
import { startTestServer } from './test-server.ts';

type Source = (request: HttpRequest) => AsyncIterable<string>;
const streamRoute = (source: Source): Route<unknown> => ({
  method: 'GET',
  path: '/events',
  handle: async (request) => ({ status: 200, headers: { 'content-type': EVENT_STREAM }, stream: source(request) }),
});

/** Never yields; ends with the request. */
async function* silence({ signal }: HttpRequest): AsyncGenerator<string> {
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

async function open(url: string): Promise<{ read: () => Promise<string>; leave: () => void; response: Response }> {
  const leaving = new AbortController();
  const response = await fetch(`${url}/events`, { signal: leaving.signal });
  const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
  return {
    response,
    leave: () => leaving.abort(),
    async read() {
      const { value, done } = await reader.read();
      return done ? '<end>' : value;
    },
  };
}

describe('a stream of server-sent events', () => {
  test('hands each event over as it comes', async () => {
    const gate = Promise.withResolvers<void>();
    const t = await startTestServer([
      streamRoute(async function* () {
        yield formatServerSentEvent({ id: '1', event: 'row', data: { a: 'line\nbreak' } });
        await gate.promise;
        yield formatServerSentEvent({ id: '2', data: 2 });
      }),
    ]);

    const { read, response } = await open(t.server.url);
    const first = await read();
    gate.resolve();
    const rest = [await read(), await read()];

    assert.equal(response.headers.get('content-type'), EVENT_STREAM);
    assert.equal(response.headers.get('x-accel-buffering'), 'no');
    assert.equal(first, 'id: 1\nevent: row\ndata: {"a":"line\\nbreak"}\n\n');
    assert.deepEqual(rest, ['id: 2\ndata: 2\n\n', '<end>']);
    await t.close();
  });

  test('keeps the connection alive with comments while there is nothing to say', async () => {
    const t = await startTestServer([streamRoute(silence)], { streamHeartbeatMs: 5 });

    const { read, leave } = await open(t.server.url);

    assert.equal(await read(), ': keep-alive\n\n');
    leave();
    await t.close();
  });

  test('ends its source when the client leaves', async () => {
    let ended = false;
    const t = await startTestServer([
      streamRoute(async function* (request) {
        try {
          yield formatServerSentEvent({ data: 'here' });
          yield* silence(request);
        } finally {
          ended = true;
        }
      }),
    ]);
    const { read, leave } = await open(t.server.url);
    await read();

    leave();

    await eventually(() => ended);
    await t.close();
  });

  test('is not read faster than the client takes it', async () => {
    let produced = 0;
    const chunk = formatServerSentEvent({ data: 'x'.repeat(64 * 1024) });
    const t = await startTestServer([
      streamRoute(async function* () {
        for (; produced < 5_000; produced++) yield chunk;
      }),
    ]);

    const { read, leave } = await open(t.server.url);
    await read();
    let level = -1;
    await eventually(async () => {
      const before = level;
      level = produced;
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
      return produced === level && level === before;
    });

    // 5,000 chunks are 320 MB: socket buffers hold a few of them.
    assert.ok(level < 1_000, `${level} chunks were read`);
    leave();
    await t.close();
  });

  test('says what went wrong when its source fails, and ends', async () => {
    const t = await startTestServer([
      streamRoute(async function* () {
        yield formatServerSentEvent({ data: 1 });
        throw new Error('s3cr3t');
      }),
    ]);

    const { read } = await open(t.server.url);
    let text = '';
    for (let part = await read(); part !== '<end>'; part = await read()) text += part;

    assert.match(text, /event: error\ndata: \{.*"code":"unclassified"/);
    assert.doesNotMatch(text, /s3cr3t/);
    await t.close();
  });

  test('ends when the server drains, so that nobody waits for it', async () => {
    const t = await startTestServer([streamRoute(silence)]);
    const { read } = await open(t.server.url);

    t.server.drain();
    await t.server.settle(10_000);

    assert.equal(await read(), '<end>');
    await t.close();
  });

  test('answers HEAD without asking its source for anything', async () => {
    let asked = false;
    const t = await startTestServer([
      streamRoute(async function* () {
        asked = true;
        yield 'x';
      }),
    ]);

    const answer = await t.call('HEAD', '/events');

    assert.deepEqual([answer.status, answer.text, asked], [200, '', false]);
    await t.close();
  });
});

test('ids and names of events cannot smuggle in lines of their own', () => {
  assert.equal(formatServerSentEvent({ id: 'a\ndata: b', event: 'c\r\n\r\nd', data: null }), 'id: adata: b\nevent: cd\ndata: null\n\n');
});
