import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Command } from '../../../shared/events/command.ts';
import type { FetchShard } from '../../../shared/events/fetch-shard.ts';
import { fetchTopic, QUEUE_CONTROL } from '../../../shared/events/topics.ts';
import { type ServedWorkflows, serveWorkflows } from './serve-workflows.ts';

const RANGE = '2024-08-01:2024-08-02';

let served: ServedWorkflows;
before(async () => {
  served = await serveWorkflows();
});
after(() => served.close());

/** Posts, folds, and returns the data of the envelope. */
async function post(path: string, body: unknown) {
  const answer = await served.call('POST', path, body);
  const { status, message, data } = answer.json();
  assert.deepEqual([answer.status, status, typeof message], [202, 'success', 'string'], answer.text);
  await served.fold();
  return data;
}

const view = async (id: string) => (await served.call('GET', `/workflows/${id}`)).json();
const controls = async (id: string) =>
  (await served.events(QUEUE_CONTROL)).map(({ data }) => data as Command).filter((data) => data.queue_id === id);
const shards = async (id: string) =>
  (await served.events(fetchTopic('binance'))).map(({ data }) => data as FetchShard).filter((data) => data.queue_id === id);

test('a plain start, one with targets and one flat target start the workflow that they stand for', async () => {
  const plain = await post('/queues/start', { symbol: 'BTCUSDT', type: 'api_candles_5m', time_range: RANGE });
  const targets = await post('/queues/start', {
    command: 'start',
    symbol: 'BTCUSDT',
    type: 'api_candles_5m',
    time_range: RANGE,
    timestamp: 1_722_500_000.123,
    targets: [
      { target: 'loader-producer', image: 'registry/loader:v1', telemetry_id: 'loader-producer__mine', kafka_topic: 'btc' },
      { target: 'arango-connector', collection_name: 'btc_candles' },
    ],
  });
  const flat = await post('/queues/start', {
    symbol: 'ETHUSDT',
    type: 'api_candles',
    interval: '1h',
    time_range: RANGE,
    target: 'loader-api-candles',
    collection_name: 'eth_hours',
  });

  for (const { queue_id } of [plain, targets, flat]) assert.equal((await shards(queue_id)).length, 1);
  assert.equal((await view(targets.queue_id)).collection_name, 'btc_candles');
  assert.deepEqual([(await view(flat.queue_id)).types, (await view(flat.queue_id)).collection_name], [['api_candles_1h'], 'eth_hours']);
  assert.deepEqual(
    (await controls(targets.queue_id)).map(({ command, target, image, telemetry_id, kafka_topic }) => ({
      command,
      target,
      image,
      telemetry_id,
      kafka_topic,
    })),
    [
      {
        command: 'start',
        target: 'loader-producer',
        image: 'registry/loader:v1',
        telemetry_id: 'loader-producer__mine',
        kafka_topic: 'btc',
      },
      {
        command: 'start',
        target: 'arango-connector',
        image: undefined,
        telemetry_id: `arango-connector__${targets.queue_id.slice(-6)}`,
        kafka_topic: undefined,
      },
    ],
  );
});

test('a pipeline of loader, connector, graph builder and trainer is one workflow with all stages', async () => {
  const data = await post('/queues/start-pipeline', {
    symbol: 'BTCUSDT',
    time_range: RANGE,
    microservices: [
      { target: 'loader-producer', type: 'api_candles_5m', image: 'x' },
      { target: 'arango-connector', type: 'api_candles_5m', collection_output: 'ignored' },
      { target: 'graph-builder', type: 'gnn_graph', collection_inputs: ['a'], collection_output: 'b' },
      { target: 'gnn-trainer', type: 'gnn_train', graph_collection: 'b', model_output: 'c', inference_interval: 5 },
    ],
  });

  const workflow = await view(data.queue_id);
  assert.deepEqual(
    workflow.stages.map(({ stage }: { stage: string }) => stage),
    ['load', 'build-graph', 'train'],
  );
  assert.deepEqual(
    data.targets.map(({ target }: { target: string }) => target),
    ['loader-producer', 'arango-connector', 'graph-builder', 'gnn-trainer'],
  );
});

test('requests is another name of microservices; loaders of two types make one workflow; no range means the last whole day of the exchange', async () => {
  const { now } = await served.simulator.setClock({ speed: 1 });
  const day = new Date(now - 86_400_000).toISOString().slice(0, 10);

  const data = await post('/queues/start-pipeline', {
    symbol: 'BTCUSDT',
    requests: [
      { target: 'loader-api-candles', type: 'api_candles', interval: '1h' },
      { target: 'loader-api-trades', type: 'api_trades' },
    ],
  });

  const workflow = await view(data.queue_id);
  assert.deepEqual([workflow.types, workflow.time_range], [['api_candles_1h', 'api_trades'], `${day}:${day}`]);
});

test('the test flows start what their names say', async () => {
  const candles = await view((await post('/queues/start-test-flow', { flow_name: 'default_candles_flow' })).queue_id);
  const trades = await view(
    (await post('/queues/start-test-flow', { flow_name: 'default_trade_flow', symbol: 'ETHUSDT', time_range: RANGE })).queue_id,
  );

  assert.deepEqual([candles.symbols, candles.types, candles.to - candles.from], [['BTCUSDT'], ['api_candles_5m'], 86_400_000]);
  assert.deepEqual([trades.symbols, trades.types, trades.time_range], [['ETHUSDT'], ['api_trades'], RANGE]);
});

test('a queue id that the caller brings is the id of the workflow; asked again it is the same one, with another body it is refused', async () => {
  const body = { queue_id: 'wf-btcusdt-api_candles_5m-20240801-a1b2c3', symbol: 'BTCUSDT', type: 'api_candles_5m', time_range: RANGE };

  assert.equal((await post('/queues/start', body)).queue_id, body.queue_id);
  assert.equal((await post('/queues/start', body)).queue_id, body.queue_id);
  const other = await served.call('POST', '/queues/start', { ...body, symbol: 'ETHUSDT' });

  assert.deepEqual([other.status, other.json().data.code], [422, 'idempotency_mismatch']);
  assert.equal((await shards(body.queue_id)).length, 1);
});

test('a probe alone is told to start; it makes no workflow', async () => {
  const data = await post('/queues/start', { symbol: 'BTCUSDT', type: 'api_trades', time_range: RANGE, target: 'dummy-service' });

  assert.deepEqual(
    (await controls(data.queue_id)).map(({ command, target }) => [command, target]),
    [['start', 'dummy-service']],
  );
  assert.equal((await served.call('GET', `/workflows/${data.queue_id}`)).status, 404);
});

test('stop takes its queue id from the body or the query', async () => {
  const first = await post('/queues/start', { symbol: 'BTCUSDT', type: 'api_candles_5m', time_range: RANGE });
  const second = await post('/queues/start', { symbol: 'BTCUSDT', type: 'api_candles_5m', time_range: RANGE });

  await post('/queues/stop', { queue_id: first.queue_id });
  await post(`/queues/stop?queue_id=${second.queue_id}`, undefined);

  for (const { queue_id } of [first, second]) assert.equal((await view(queue_id)).status, 'interrupted');
  const none = await served.call('POST', '/queues/stop', {});
  assert.deepEqual([none.status, none.json().status, none.json().data.fields[0].path], [400, 'error', 'queue_id']);
});

test('workflows can be listed and read by the published names', async () => {
  const { queue_id } = await post('/queues/start', { symbol: 'ADAUSDT', type: 'api_candles_5m', time_range: RANGE });

  for (const path of ['/queues', '/queues/list']) {
    const answer = (await served.call('GET', `${path}?symbol=ADAUSDT`)).json();
    assert.deepEqual([answer.status, answer.data.items.map((item: { queue_id: string }) => item.queue_id)], ['success', [queue_id]]);
  }
  const one = (await served.call('GET', `/queues/${queue_id}`)).json();
  assert.deepEqual([one.status, one.data.queue_id, one.data.status], ['success', queue_id, 'loading']);
  const unknown = await served.call('GET', '/queues/wf-nope-api_trades-20240801-zzzzzz');
  assert.deepEqual([unknown.status, unknown.json().status, unknown.json().data.code], [404, 'error', 'not_found']);
});

test('an unknown target, one that is not there yet and a pipeline that loads nothing are refused by their paths', async () => {
  const loader = { target: 'loader-producer', type: 'api_candles_5m' };
  const cases: [string, unknown, string, string[]][] = [
    [
      'start-pipeline',
      { symbol: 'BTCUSDT', microservices: [loader, { target: 'loader-ftp' }] },
      'invalid_request',
      ['microservices.1.target'],
    ],
    ['start-pipeline', { symbol: 'BTCUSDT', requests: [{ target: 'visualizer' }] }, 'not_yet_supported', ['requests.0.target']],
    ['start-pipeline', { symbol: 'BTCUSDT', microservices: [{ target: 'queue-manager' }] }, 'invalid_request', ['microservices.0.target']],
    ['start-pipeline', { symbol: 'BTCUSDT', microservices: [{ target: 'loader-producer' }] }, 'invalid_request', ['microservices.0.type']],
    [
      'start-pipeline',
      { symbol: 'BTCUSDT', microservices: [{ ...loader, type: 'ws_trade' }] },
      'not_yet_supported',
      ['microservices.0.type'],
    ],
    [
      'start-pipeline',
      { symbol: 'BTCUSDT', microservices: [{ target: 'arango-candles', type: 'api_candles_5m' }] },
      'invalid_request',
      ['microservices.0.target'],
    ],
    ['start-pipeline', { symbol: 'BTCUSDT' }, 'invalid_request', ['microservices']],
    [
      'start-pipeline',
      { symbol: 'BTCUSDT', time_range: RANGE, microservices: [{ ...loader, time_range: '2024-08-02:2024-08-03' }] },
      'invalid_request',
      ['time_range'],
    ],
    ['start', { symbol: 'BTCUSDT', type: 'api_trades', time_range: RANGE, target: 'nope' }, 'invalid_request', ['target']],
    ['start', { symbol: 'BTCUSDT', type: 'orderbook_snapshot', time_range: RANGE }, 'not_yet_supported', ['type']],
    ['start', { symbol: 'BTCUSDT', type: 'api_trades', time_range: RANGE, command: 'stop' }, 'invalid_request', ['command']],
    ['start', { symbol: 'NOPEUSDT', type: 'api_trades', time_range: RANGE }, 'unknown_symbol', ['symbol']],
    ['start', { symbol: 'BTCUSDT', type: 'api_trades', time_range: RANGE, queue_id: 'mine' }, 'invalid_request', ['queue_id']],
    ['start-test-flow', { flow_name: 'my_flow' }, 'invalid_request', ['flow_name']],
  ];

  for (const [name, body, code, paths] of cases) {
    const answer = await served.call('POST', `/queues/${name}`, body);
    const { status, data } = answer.json();
    assert.deepEqual([answer.status, status, data.code], [400, 'error', code], answer.text);
    assert.deepEqual(
      data.fields.map(({ path }: { path: string }) => path),
      paths,
      answer.text,
    );
  }
});

test('the API describes itself: every route with its schemas', async () => {
  const { routes } = await import('../../../functions/workflows/handle.ts');
  const { describeApi } = await import('../../../shared/runtime/http/openapi.ts');
  const { mountRoutes } = await import('../../../shared/runtime/http/mounted-route.ts');

  const api = describeApi({ title: 'x', version: '1', description: 'x', needsToken: false }, mountRoutes(routes, served.context));

  const paths = api.paths as Record<
    string,
    Record<string, { requestBody?: { content: { 'application/json': { schema: { properties: object } } } } }>
  >;
  assert.equal(Object.keys(paths).length, 5 + 7);
  const schema = paths['/workflows']?.post?.requestBody?.content['application/json'].schema;
  assert.ok(schema && 'time_range' in schema.properties && 'graph' in schema.properties);
});
