import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { AppError } from '../../shared/domain/errors.ts';
import type { Route } from '../../shared/runtime/define-function.ts';
import { json, startTestServer, type TestServer } from './test-server.ts';

const TOKEN = 'a-token-of-some-length';
let effects = 0;
const routes: readonly Route<unknown>[] = [
  {
    method: 'POST',
    path: '/do',
    handle: async () => {
      effects += 1;
      return { status: 200, body: { done: true } };
    },
  },
];

describe('a server on 127.0.0.1', () => {
  let t: TestServer;
  before(async () => {
    t = await startTestServer(routes);
  });
  after(() => t.close());

  for (const host of ['127.0.0.1', 'localhost', '[::1]', 'LOCALHOST']) {
    test(`serves requests for ${host}, with or without the port`, async () => {
      for (const name of [host, `${host}:8080`]) assert.equal((await t.call('POST', '/do', { headers: { host: name } })).status, 200, name);
    });
  }

  for (const host of [
    'evil.example',
    '127.0.0.1.evil.example',
    'localhost.evil.example:80',
    '10.0.0.1',
    'localhost:80:80',
    'localhost@evil.example',
  ]) {
    test(`refuses the Host ${JSON.stringify(host)}: a name of another site may point here`, async () => {
      const before = effects;

      const answer = await t.call('POST', '/do', { headers: { host } });

      assert.deepEqual([answer.status, answer.json().code, effects], [403, 'invalid_request', before]);
    });
  }

  for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1', 'https://127.0.0.1:8080', 'http://localhost:8080']) {
    test(`refuses the Origin ${origin}`, async () => {
      const before = effects;

      const answer = await t.call('POST', '/do', { headers: { host: '127.0.0.1:8080', origin } });

      assert.deepEqual([answer.status, effects], [403, before]);
    });
  }

  test('serves its own pages', async () => {
    assert.equal((await t.call('POST', '/do', { headers: { host: 'localhost:8080', origin: 'http://localhost:8080' } })).status, 200);
  });

  test('checks Host for probes and documentation too', async () => {
    for (const path of ['/livez', '/docs', '/metrics'])
      assert.equal((await t.call('GET', path, { headers: { host: 'evil.example' } })).status, 403, path);
  });
});

describe('a server with an API token', () => {
  let t: TestServer;
  before(async () => {
    t = await startTestServer(routes, { host: '0.0.0.0', apiToken: TOKEN });
  });
  after(() => t.close());

  test('serves who sends it, whatever the Host', async () => {
    for (const scheme of ['Bearer', 'bearer']) {
      const headers = { host: 'streamforge.example', authorization: `${scheme} ${TOKEN}` };
      assert.equal((await t.call('POST', '/do', { headers })).status, 200);
    }
  });

  for (const [what, authorization] of [
    ['no token', undefined],
    ['another token', `Bearer ${TOKEN}x`],
    ['a part of it', `Bearer ${TOKEN.slice(0, -1)}`],
    ['an empty token', 'Bearer '],
    ['another scheme', `Basic ${TOKEN}`],
    ['the token twice', `Bearer ${TOKEN} ${TOKEN}`],
  ] as const) {
    test(`401 for ${what}, before the body is looked at`, async () => {
      const before = effects;

      const answer = await t.call('POST', '/do', { headers: authorization === undefined ? {} : { authorization }, body: 'x' });

      assert.deepEqual([answer.status, effects], [401, before]);
      assert.equal(answer.headers['www-authenticate'], 'Bearer realm="streamforge"');
      assert.doesNotMatch(answer.text, /a-token/);
    });
  }

  test('leaves probes, metrics and the description open', async () => {
    for (const path of ['/livez', '/metrics', '/openapi.json', '/docs']) assert.equal((await t.call('GET', path)).status, 200, path);
  });

  test('says in its description that calls need the token', async () => {
    const { paths, components } = (await t.call('GET', '/openapi.json')).json() as {
      paths: Record<string, Record<string, { security?: unknown }>>;
      components: { securitySchemes: unknown };
    };

    assert.deepEqual(components.securitySchemes, { token: { type: 'http', scheme: 'bearer' } });
    assert.deepEqual(paths['/do']?.post?.security, [{ token: [] }]);
    assert.equal(paths['/livez']?.get?.security, undefined);
  });
});

test('on another address than a loopback one a server does not start without a token', async () => {
  for (const host of ['0.0.0.0', '::', '192.0.2.1']) {
    await assert.rejects(startTestServer(routes, { host }), (error: AppError) => {
      assert.equal(error.code, 'missing_setting');
      assert.match(error.message, /API_TOKEN_FILE/);
      return true;
    });
  }
});

test('an address that is taken is refused by name', async () => {
  const first = await startTestServer(routes);

  await assert.rejects(startTestServer(routes, { port: first.server.port }), { code: 'invalid_setting' });

  await first.close();
});

test('a token is asked for on 127.0.0.1 too where one is set', async () => {
  const t = await startTestServer(routes, { apiToken: TOKEN });

  assert.equal((await t.call('POST', '/do', json({}))).status, 401);
  assert.equal((await t.call('POST', '/do', { headers: { authorization: `Bearer ${TOKEN}` } })).status, 200);

  await t.close();
});
