import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { AppError } from '../../shared/domain/errors.ts';
import type { HttpRequest, Route } from '../../shared/runtime/define-function.ts';
import { eventually } from '../support/eventually.ts';
import { json, startTestServer, type TestServer } from './test-server.ts';

const requests: HttpRequest[] = [];
const routes: readonly Route<unknown>[] = [
  { method: 'GET', path: '/things/{thing_id}', handle: async (request) => ({ status: 200, body: { id: request.params.thing_id } }) },
  { method: 'GET', path: '/things/newest', handle: async () => ({ status: 200, body: { id: 'the newest' } }) },
  { method: 'DELETE', path: '/things/{thing_id}', handle: async () => ({ status: 204 }) },
  {
    method: 'POST',
    path: '/things',
    handle: async (request) => {
      requests.push(request);
      return { status: 201, headers: { location: '/things/1' }, body: { got: request.body ?? null } };
    },
  },
  { method: 'GET', path: '/text', handle: async ({ query }) => ({ status: 200, text: `q=${query.get('q')}` }) },
  {
    method: 'GET',
    path: '/rows',
    handle: async () => ({
      status: 200,
      headers: { 'content-type': 'text/csv' },
      stream: (async function* () {
        for (let row = 0; row < 2_000; row++) yield `${row},${'x'.repeat(500)}\n`;
      })(),
    }),
  },
  {
    method: 'GET',
    path: '/torn',
    handle: async () => ({
      status: 200,
      headers: { 'content-type': 'text/csv' },
      stream: (async function* () {
        yield 'one\n';
        throw new AppError('store_unavailable', 'the store went away');
      })(),
    }),
  },
  {
    method: 'GET',
    path: '/fail/{code}',
    handle: async ({ params }) => {
      if (params.code === 'raw') throw new TypeError('s3cr3t internals');
      throw new AppError(params.code as 'not_found', `it was ${params.code}`, {
        retry_after_ms: 2_500,
        fields: [{ path: 'a.b', problem: 'is odd', allowed: 'even' }],
      });
    },
  },
];

let t: TestServer;
before(async () => {
  t = await startTestServer(routes);
});
after(() => t.close());

describe('routing', () => {
  test('decodes path parameters, and prefers a literal segment to a parameter', async () => {
    assert.equal((await t.call('GET', '/things/binance%3ABTCUSDT%3Acandles%3A5m')).json().id, 'binance:BTCUSDT:candles:5m');
    assert.equal((await t.call('GET', '/things/newest')).json().id, 'the newest');
  });

  test('404 with a problem document for a path that is not there', async () => {
    const answer = await t.call('GET', '/nothing/here');

    assert.equal(answer.status, 404);
    assert.equal(answer.headers['content-type'], 'application/problem+json');
    const { detail, trace_id, ...rest } = answer.json();
    assert.deepEqual(rest, { type: 'urn:streamforge:problem:not_found', title: 'Not Found', status: 404, code: 'not_found' });
    assert.match(String(detail), /\/nothing\/here/);
    assert.match(String(trace_id), /^[0-9a-f]{32}$/);
  });

  test('405 with Allow for another method', async () => {
    const answer = await t.call('POST', '/things/1', json({}));

    assert.equal(answer.status, 405);
    assert.equal(answer.headers.allow, 'DELETE, GET, HEAD');
  });

  test('HEAD answers as GET does, without the body', async () => {
    const answer = await t.call('HEAD', '/things/1');

    assert.deepEqual([answer.status, answer.text, answer.headers['content-length']], [200, '', '10']);
  });

  test('400 for a path that is not percent-encoded UTF-8', async () => {
    const answer = await t.call('GET', '/things/%E0%A4%A');

    assert.equal(answer.status, 400);
    assert.deepEqual(answer.json().fields, [{ path: 'thing_id', problem: 'is not percent-encoded UTF-8' }]);
  });

  test('two routes of one method and path are refused at the start', async () => {
    const route = routes[0] as Route<unknown>;

    await assert.rejects(startTestServer([route, { ...route, path: '/things/{other_name}' }]), { code: 'invalid_setting' });
  });
});

describe('bodies', () => {
  test('are parsed as JSON, none is undefined', async () => {
    assert.deepEqual((await t.call('POST', '/things', json({ a: [1] }))).json(), { got: { a: [1] } });
    assert.deepEqual((await t.call('POST', '/things')).json(), { got: null });
  });

  for (const [what, options, status, code] of [
    ['text', { headers: { 'content-type': 'text/plain' }, body: '{}' }, 415, 'unsupported_media_type'],
    [
      'a form, which a page of another site may send',
      { headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: '' },
      415,
      'unsupported_media_type',
    ],
    ['no type', { body: '{}' }, 415, 'unsupported_media_type'],
    ['another charset', { headers: { 'content-type': 'application/json; charset=latin1' }, body: '{}' }, 415, 'unsupported_media_type'],
    [
      'compressed bytes',
      { headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' }, body: '{}' },
      415,
      'unsupported_media_type',
    ],
    ['broken JSON', { headers: { 'content-type': 'application/json' }, body: '{"a":' }, 400, 'invalid_request'],
    [
      'bytes that are not UTF-8',
      { headers: { 'content-type': 'application/json' }, body: Buffer.from([0x22, 0xff, 0x22]) },
      400,
      'invalid_request',
    ],
    [
      'more than 256 KiB',
      { headers: { 'content-type': 'application/json' }, body: JSON.stringify('x'.repeat(262_144)) },
      413,
      'payload_too_large',
    ],
    [
      'more than 256 KiB without a length',
      {
        headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
        body: JSON.stringify('x'.repeat(900_000)),
      },
      413,
      'payload_too_large',
    ],
  ] as const) {
    test(`are refused: ${what} is ${status} ${code}`, async () => {
      const before = requests.length;
      const answer = await t.call('POST', '/things', options);

      assert.equal(answer.status, status);
      assert.equal(answer.json().code, code);
      assert.equal(requests.length, before);
    });
  }

  test('take 256 KiB exactly, and JSON with a charset or a suffix', async () => {
    const whole = JSON.stringify('x'.repeat(262_144 - 2));

    for (const type of ['application/json', 'application/json; charset=UTF-8', 'application/merge-patch+json']) {
      assert.equal((await t.call('POST', '/things', { headers: { 'content-type': type }, body: whole })).status, 201, type);
    }
  });

  test('a server that refused a body answers the next request on the same connection', async () => {
    const socket = connect(t.server.port, '127.0.0.1');
    await once(socket, 'connect');
    let seen = '';
    socket.on('data', (chunk: Buffer) => {
      seen += chunk.toString();
    });
    const body = 'x'.repeat(300_000);

    socket.write(
      `POST /things HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    socket.write('GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');

    await eventually(() => seen.includes('413 ') && seen.includes('200 OK'));
    socket.destroy();
  });
});

describe('answers', () => {
  test('are JSON, text or nothing, and never sniffed or cached', async () => {
    const answer = await t.call('GET', '/text?q=a%20b');

    assert.equal(answer.text, 'q=a b');
    assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8');
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.deepEqual([(await t.call('DELETE', '/things/1')).status, (await t.call('DELETE', '/things/1')).text], [204, '']);
  });

  test('are streamed whole', async () => {
    const answer = await t.call('GET', '/rows');

    assert.equal(answer.text.trim().split('\n').length, 2_000);
    assert.equal(answer.headers['content-type'], 'text/csv');
  });

  test('that break in the middle do not look whole', async () => {
    await assert.rejects(t.call('GET', '/torn'));
    assert.ok(t.context.logs.some(({ level, fields }) => level === 'error' && fields.path === '/torn'));
  });

  test('name code, detail and fields of an error, and when to come again', async () => {
    const answer = await t.call('GET', '/fail/rate_limited');

    assert.equal(answer.status, 429);
    assert.equal(answer.headers['retry-after'], '3');
    assert.equal(answer.json().detail, 'it was rate_limited');
    assert.deepEqual(answer.json().fields, [{ path: 'a.b', problem: 'is odd', allowed: 'even' }]);
  });

  test('show nothing of an error that nobody classified; the log has it under the trace id of the answer', async () => {
    const answer = await t.call('GET', '/fail/raw');

    assert.deepEqual([answer.status, answer.json().code], [503, 'unclassified']);
    assert.doesNotMatch(answer.text, /s3cr3t/);
    const entry = t.context.logs.find(({ level, fields }) => level === 'error' && fields.path === '/fail/raw');
    assert.ok(String(entry?.fields.traceparent).includes(String(answer.json().trace_id)));
    assert.match(String((entry?.fields.error as Error | undefined)?.message), /s3cr3t/);
  });
});

describe('traces', () => {
  const parent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

  test("a request's trace goes on into the handler, as a child, with its tracestate", async () => {
    await t.call('POST', '/things', { headers: { traceparent: parent, tracestate: 'a=1' } });

    const { headers } = requests.at(-1) as HttpRequest;
    assert.match(String(headers.traceparent), /^00-4bf92f3577b34da6a3ce929d0e0e4736-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$/);
    assert.equal(headers.tracestate, 'a=1');
  });

  test('a broken traceparent starts a new trace, without the tracestate that came with it', async () => {
    await t.call('POST', '/things', { headers: { traceparent: '00-zz', tracestate: 'a=1' } });

    const { headers } = requests.at(-1) as HttpRequest;
    assert.match(String(headers.traceparent), /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    assert.equal(headers.tracestate, undefined);
  });
});

describe('metrics of requests', () => {
  test('have the pattern of the route, never a path that was asked for', async () => {
    await t.call('GET', '/things/some-id');
    await t.call('GET', '/no/such/path/some-id');

    const { text } = await t.call('GET', '/metrics');
    assert.match(text, /streamforge_http_requests_total\{method="GET",route="\/things\/\{thing_id\}",status="2xx"\} \d/);
    assert.match(text, /streamforge_http_requests_total\{method="GET",route="other",status="4xx"\} \d/);
    assert.doesNotMatch(text, /some-id/);
  });
});
