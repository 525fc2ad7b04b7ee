import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import vm from 'node:vm';
import { z } from 'zod';
import type { Route } from '../../shared/runtime/define-function.ts';
import { DOCS_SCRIPT } from '../../shared/runtime/http/docs-script.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const answer = async () => ({ status: 200 });
const routes: readonly Route<unknown>[] = [
  {
    method: 'GET',
    path: '/things/{thing_id}/parts',
    summary: 'List the parts of a thing',
    query: z.object({ limit: z.int().min(1).max(10_000).optional().describe('how many at most'), kind: z.enum(['a', 'b']) }),
    responses: { 200: { description: 'The parts', contentType: 'text/csv' } },
    handle: answer,
  },
  {
    method: 'POST',
    path: '/things',
    summary: 'Make a thing',
    body: z.looseObject({ name: z.string().max(5), size: z.number().default(1), made: z.date().optional() }),
    responses: { 201: { description: 'Made', schema: z.object({ thing_id: z.string() }) } },
    handle: answer,
  },
  { method: 'DELETE', path: '/things', handle: answer },
];

let t: TestServer;
let api: {
  openapi: string;
  info: Record<string, unknown>;
  tags: { name: string }[];
  paths: Record<string, Record<string, Record<string, unknown>>>;
};
before(async () => {
  t = await startTestServer(routes);
  api = (await t.call('GET', '/openapi.json')).json() as typeof api;
});
after(() => t.close());

describe('/openapi.json', () => {
  test('is OpenAPI 3.1 with every route once', () => {
    assert.equal(api.openapi, '3.1.0');
    assert.deepEqual([api.info.title, api.info.version], ['Test', '1.2.3']);
    assert.deepEqual(Object.keys(api.paths['/things'] ?? {}), ['post', 'delete']);
    for (const path of [
      '/livez',
      '/readyz',
      '/startupz',
      '/health/live',
      '/health/ready',
      '/health/startup',
      '/metrics',
      '/openapi.json',
      '/docs',
    ]) {
      assert.ok(api.paths[path]?.get !== undefined, path);
    }
  });

  test('describes parameters of path and query', () => {
    assert.deepEqual(api.paths['/things/{thing_id}/parts']?.get?.parameters, [
      { name: 'thing_id', in: 'path', required: true, schema: { type: 'string' } },
      {
        name: 'limit',
        in: 'query',
        required: false,
        description: 'how many at most',
        schema: { type: 'integer', minimum: 1, maximum: 10_000 },
      },
      { name: 'kind', in: 'query', required: true, schema: { type: 'string', enum: ['a', 'b'] } },
    ]);
  });

  test('describes bodies as callers send them: a default is not required', () => {
    const { content } = (api.paths['/things']?.post?.requestBody ?? {}) as {
      content: Record<string, { schema: { required: string[]; properties: object } }>;
    };

    assert.deepEqual(content['application/json']?.schema.required, ['name']);
    assert.deepEqual(Object.keys(content['application/json']?.schema.properties ?? {}), ['name', 'size', 'made']);
  });

  test('describes answers, and problems for everything else', () => {
    const responses = api.paths['/things']?.post?.responses as Record<string, { content: Record<string, { schema: unknown }> }>;

    assert.deepEqual(Object.keys(responses), ['201', 'default']);
    assert.deepEqual(responses.default?.content['application/problem+json']?.schema, { $ref: '#/components/schemas/Problem' });
  });

  test('gives every operation an id of its own', () => {
    const operations = Object.values(api.paths).flatMap((item) => Object.values(item));
    const ids = operations.map(({ operationId }) => operationId);

    assert.equal(new Set(ids).size, ids.length);
  });
});

describe('/docs', () => {
  test('is one page that loads nothing from elsewhere, and forbids it', async () => {
    const page = await t.call('GET', '/docs');

    assert.equal(page.headers['content-type'], 'text/html; charset=utf-8');
    assert.doesNotMatch(page.text, /(src|href)="?(https?:)?\/\//);
    assert.match(
      String(page.headers['content-security-policy']),
      /^default-src 'none'; connect-src 'self'; script-src 'sha256-[\w+/=]+'; style-src 'sha256-/,
    );
  });

  test('shows every route of the description', async () => {
    const page = fakePage();

    vm.runInNewContext(DOCS_SCRIPT, { document: page.document, fetch: async () => ({ json: async () => api }), JSON, Object, Set, Number });
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));

    const text = page.text();
    for (const path of Object.keys(api.paths)) assert.ok(text.includes(path), path);
    for (const shown of ['Test 1.2.3', 'Make a thing', 'how many at most', 'a | b', '201 Made']) assert.ok(text.includes(shown), shown);
  });
});

/** Just enough of a document to run the page's script: elements that hold text and children. */
function fakePage(): { document: object; text: () => string } {
  interface Node {
    textContent: string;
    children: (Node | string)[];
    dataset: Record<string, string>;
    [name: string]: unknown;
  }
  const create = (): Node => {
    const node: Node = {
      textContent: '',
      children: [],
      dataset: {},
      append: (...more: Node[]) => void node.children.push(...more),
      replaceChildren: () => void node.children.splice(0),
      addEventListener: () => undefined,
    };
    return node;
  };
  const byId = new Map<string, Node>();
  const textOf = (node: Node | string): string =>
    typeof node === 'string' ? node : `${node.textContent}\n${node.children.map(textOf).join('\n')}`;
  return {
    document: {
      createElement: create,
      querySelectorAll: () => [],
      getElementById: (id: string) => {
        const node = byId.get(id) ?? create();
        byId.set(id, node);
        return node;
      },
    },
    text: () => [...byId.values()].map(textOf).join('\n'),
  };
}
