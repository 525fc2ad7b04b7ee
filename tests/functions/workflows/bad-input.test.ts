import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { pipelineBody, startBody, testFlowBody } from '../../../functions/workflows/published-request.ts';
import { workflowBody } from '../../../functions/workflows/request-schema.ts';
import { TOPICS } from '../../../shared/events/topics.ts';
import { fieldsOf, illTyped, outside, valueAt, withValue } from '../../contracts/schema-fields.ts';
import { type ServedWorkflows, serveWorkflows } from './serve-workflows.ts';

const graph = {
  interval: '5m',
  symbols: ['BTCUSDT'],
  lags: [1, 2],
  vis_window: 48,
  vis_cap: 4,
  corr_window: 288,
  corr_top: 2,
  lead_window: 2_016,
  lead_top: 1,
};
const train = { graph_id: 'g', task: 'vol', horizon: 12, model: 'rsage', hidden: 32, epochs: 60, seeds: [1, 2], backend: 'wasm' };
const target = {
  target: 'loader-producer',
  type: 'api_candles_5m',
  image: 'image:1',
  telemetry_id: 'loader-producer__a1b2c3',
  kafka_topic: 'topic',
  collection_name: 'august',
  time_range: '2024-08-01:2024-08-02',
  interval: '5m',
};

/** A body with every field of its schema, each good for itself. */
const BODIES = [
  {
    path: '/workflows',
    schema: workflowBody,
    body: {
      exchange: 'binance',
      symbol: 'BTCUSDT',
      symbols: ['BTCUSDT'],
      type: 'api_candles_5m',
      types: ['api_candles_5m'],
      interval: '5m',
      loads: [{ symbols: ['BTCUSDT'], types: ['api_candles_5m'], interval: '5m' }],
      time_range: '2024-08-01:2024-08-02',
      stages: ['load'],
      collection_name: 'august',
      graph,
      train,
    },
  },
  {
    path: '/queues/start-pipeline',
    schema: pipelineBody,
    body: {
      symbol: 'BTCUSDT',
      time_range: '2024-08-01:2024-08-02',
      queue_id: 'wf-btcusdt-api_trades-20240801-a1b2c3',
      microservices: [target],
      requests: [target],
    },
  },
  {
    path: '/queues/start',
    schema: startBody,
    body: {
      ...target,
      command: 'start',
      queue_id: 'wf-btcusdt-api_trades-20240801-a1b2c3',
      symbol: 'BTCUSDT',
      timestamp: 1_722_500_000.123,
      targets: [target],
    },
  },
  {
    path: '/queues/start-test-flow',
    schema: testFlowBody,
    body: { flow_name: 'default_candles_flow', symbol: 'BTCUSDT', time_range: '2024-08-01:2024-08-02' },
  },
];

/** More than any list may have, and few enough for the largest body. */
const MAX_ELEMENTS = 150;

let served: ServedWorkflows;
before(async () => {
  served = await serveWorkflows();
});
after(() => served.close());

/** What store and log hold. */
async function everything(): Promise<unknown> {
  const topics = await Promise.all(TOPICS.map(({ name }) => served.bus.admin.topic(name)));
  return [topics.map(({ offsets }) => offsets), await served.stores.workflows.listWorkflows({ limit: 10 })];
}

/** Code and paths of a refusal, as a problem document or in the envelope of `/queues`. */
async function refusalOf(
  path: string,
  body: unknown,
): Promise<{ readonly status: number; readonly code: string; readonly paths: readonly string[] }> {
  const answer = await served.call('POST', path, body);
  const json = answer.json();
  const { code, fields = [] } = path.startsWith('/queues') ? json.data : json;
  if (path.startsWith('/queues')) assert.equal(json.status, 'error');
  for (const field of fields) assert.equal(typeof field.problem, 'string');
  return { status: answer.status, code, paths: fields.map((field: { path: string }) => field.path) };
}

for (const { path, schema, body } of BODIES) {
  test(`POST ${path}: each field that is missing, null, ill-typed, too long or out of range is refused by its path, and nothing is written`, async () => {
    const before = await everything();
    const fields = fieldsOf(schema);
    assert.ok(fields.length > 2);
    let cases = 0;

    for (const field of fields) {
      const where = field.path.join('.');
      const good = valueAt(body, field.path);
      assert.notEqual(good, undefined, `the good body lacks ${where}`);
      const bad = [
        ...(field.optional ? [] : [{ name: 'missing', value: undefined }]),
        { name: 'null', value: null },
        { name: 'ill-typed', value: illTyped(field.schema) },
        ...outside(field.schema, good).map(({ name, value }) => ({
          name,
          value: Array.isArray(value) ? value.slice(0, MAX_ELEMENTS) : value,
        })),
      ];
      for (const { name, value } of bad) {
        const refused = await refusalOf(path, withValue(body, field.path, value));
        const isSymbol = /(^|\.)symbols?(\.0)?$/.test(where) && typeof value === 'string' && value !== 'a word';
        assert.deepEqual([refused.status, refused.code], [400, isSymbol ? 'unsupported_symbol' : 'invalid_request'], `${where} ${name}`);
        assert.ok(
          refused.paths.some((each) => each === where || each.startsWith(`${where}.`)),
          `${where} ${name}: ${refused.paths.join(', ')}`,
        );
        cases += 1;
      }
    }

    assert.ok(cases > fields.length * 2);
    assert.deepEqual(await everything(), before);
  });
}

test('a body that is no JSON, no object or of another media type is refused, and nothing is written', async () => {
  const before = await everything();

  for (const [body, headers, status] of [
    ['{"symbol": ', {}, 400],
    ['[]', {}, 400],
    ['"text"', {}, 400],
    ['symbol=BTCUSDT', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
    [`{"symbol": "${'x'.repeat(300_000)}"}`, {}, 413],
  ] as const) {
    assert.equal((await served.call('POST', '/workflows', body, headers)).status, status, body.slice(0, 40));
  }
  assert.deepEqual(await everything(), before);
});
