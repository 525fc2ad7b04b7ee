import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../../shared/domain/errors.ts';
import { seriesId } from '../../../shared/domain/series.ts';
import { checkSelections, normaliseRequest, type RawRequest } from '../../../shared/domain/workflow/normalise.ts';
import { selectionsOf, seriesOf, symbolsOf, typesOf } from '../../../shared/domain/workflow/request.ts';

const RANGE = { time_range: '2024-08-01:2024-08-31' };
const BTC = { ...RANGE, symbol: 'BTCUSDT', type: 'api_candles_5m' };

/** The code and the fields with which a request is refused. */
function refusalOf(raw: RawRequest): { readonly code: string; readonly paths: readonly string[] } {
  try {
    normaliseRequest(raw);
  } catch (error) {
    assert.ok(error instanceof AppError);
    return { code: error.code, paths: (error.context.fields ?? []).map(({ path }) => path) };
  }
  assert.fail('the request was taken');
}

test('the short fields and a list of loads mean the same request', () => {
  const short = normaliseRequest({ ...RANGE, symbols: ['BTCUSDT'], types: ['api_candles'], interval: '5m' });

  assert.deepEqual(short, normaliseRequest(BTC));
  assert.deepEqual(short, normaliseRequest({ ...RANGE, loads: [{ symbols: ['BTCUSDT', 'BTCUSDT'], types: ['api_candles_5m'] }] }));
  assert.deepEqual(short, {
    exchange: 'binance',
    loads: [{ symbols: ['BTCUSDT'], types: ['api_candles_5m'] }],
    stages: ['load'],
    ...RANGE,
    from: Date.UTC(2024, 7, 1),
    to: Date.UTC(2024, 8, 1),
  });
});

test("five symbols' candles and one symbol's trades are one workflow", () => {
  const symbols = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'ADAUSDT', 'XRPUSDT'];
  const request = normaliseRequest({
    ...RANGE,
    loads: [
      { symbols, types: ['api_candles_5m'] },
      { symbols: ['BTCUSDT'], types: ['api_agg_trades', 'api_candles_5m'] },
    ],
    stages: ['load', 'build-graph', 'train'],
  });

  assert.deepEqual(seriesOf(request).map(seriesId), [
    ...symbols.map((symbol) => `binance:${symbol}:candles:5m`),
    'binance:BTCUSDT:agg-trades',
  ]);
  assert.deepEqual(symbolsOf(request), symbols);
  assert.deepEqual(typesOf(request), ['api_candles_5m', 'api_agg_trades']);
  assert.deepEqual(request.graph, {
    interval: '5m',
    symbols,
    lags: [1, 2, 3, 12],
    vis_window: 48,
    vis_cap: 4,
    corr_window: 288,
    corr_top: 2,
    lead_window: 2016,
    lead_top: 1,
  });
  assert.deepEqual(request.train, { task: 'vol', horizon: 12, model: 'rsage', hidden: 32, epochs: 60, seeds: [1, 2, 3] });
});

test('what is given of a graph and a training stands, the rest is the default', () => {
  const request = normaliseRequest({
    ...BTC,
    stages: ['load', 'build-graph', 'train'],
    graph: { lags: [1], corr_top: 0 },
    train: { task: 'dir', seeds: [7] },
  });

  assert.deepEqual([request.graph?.lags, request.graph?.corr_top, request.graph?.lead_top], [[1], 0, 1]);
  assert.deepEqual([request.train?.task, request.train?.seeds, request.train?.epochs], ['dir', [7], 60]);
});

test('the last stages alone load nothing', () => {
  const graph = normaliseRequest({ ...RANGE, symbols: ['BTCUSDT', 'ETHUSDT'], type: 'gnn_graph', graph: { interval: '1h' } });
  const both = normaliseRequest({ ...RANGE, symbol: 'BTCUSDT', type: 'gnn_train', graph: { interval: '1h' } });
  const train = normaliseRequest({ ...RANGE, symbol: 'BTCUSDT', type: 'gnn_train', train: { graph_id: 'abc' } });

  assert.deepEqual(
    [graph.stages, graph.loads, graph.graph?.symbols, typesOf(graph)],
    [['build-graph'], [], ['BTCUSDT', 'ETHUSDT'], ['gnn_graph']],
  );
  assert.deepEqual([both.stages, typesOf(both)], [['build-graph', 'train'], ['gnn_train']]);
  assert.deepEqual([train.stages, train.train?.graph_id, train.graph], [['train'], 'abc', undefined]);
});

test('every contradiction is refused with the path of the field that is wrong', () => {
  const cases: [RawRequest, string, string[]][] = [
    [{ ...RANGE }, 'invalid_request', ['symbol', 'type']],
    [{ ...BTC, symbols: ['ETHUSDT'] }, 'invalid_request', ['symbols']],
    [{ ...BTC, types: ['api_trades'] }, 'invalid_request', ['types']],
    [{ ...BTC, loads: [{ symbols: ['BTCUSDT'], types: ['api_trades'] }] }, 'invalid_request', ['symbol', 'type']],
    [{ ...RANGE, loads: [] }, 'invalid_request', ['loads']],
    [{ ...RANGE, loads: [{ symbols: ['BTCUSDT'], types: ['api_trades', 'nope'] }] }, 'invalid_request', ['loads.0.types.1']],
    [{ ...BTC, type: 'api_candles_7m' }, 'invalid_request', ['type']],
    [{ ...BTC, type: 'api_candles' }, 'invalid_request', ['type']],
    [{ ...BTC, type: 'ws_trades' }, 'not_yet_supported', ['type']],
    [{ ...RANGE, symbol: 'BTCUSDT', types: ['api_trades', 'realtime_graph'] }, 'not_yet_supported', ['types.1']],
    [{ ...BTC, type: 'ws_trades', time_range: '2024-08-31:2024-08-01' }, 'invalid_request', ['type', 'time_range']],
    [{ ...BTC, exchange: 'bitmex' }, 'not_yet_supported', ['exchange']],
    [{ ...BTC, time_range: 'yesterday' }, 'invalid_request', ['time_range']],
    [{ ...BTC, stages: ['build-graph', 'load'] }, 'invalid_request', ['stages']],
    [{ ...BTC, stages: ['load', 'train'] }, 'invalid_request', ['stages']],
    [{ ...BTC, stages: ['load', 'load'] }, 'invalid_request', ['stages']],
    [{ ...BTC, graph: { lags: [1] } }, 'invalid_request', ['graph']],
    [{ ...BTC, train: { epochs: 3 } }, 'invalid_request', ['train']],
    [{ ...BTC, stages: ['train'] }, 'invalid_request', ['train.graph_id']],
    [{ ...BTC, stages: ['load', 'build-graph', 'train'], train: { graph_id: 'x' } }, 'invalid_request', ['train.graph_id']],
    [{ ...BTC, type: 'api_trades', stages: ['load', 'build-graph'] }, 'invalid_request', ['graph.interval']],
    [
      { ...RANGE, symbol: 'BTCUSDT', types: ['api_candles_5m', 'api_candles_1h'], stages: ['load', 'build-graph'] },
      'invalid_request',
      ['graph.interval'],
    ],
    [{ ...BTC, stages: ['load', 'build-graph'], graph: { interval: '1h' } }, 'invalid_request', ['graph.interval']],
    [{ ...BTC, stages: ['load', 'build-graph'], graph: { symbols: ['ETHUSDT'] } }, 'invalid_request', ['graph.symbols.0']],
    [{ ...RANGE, symbol: 'BTCUSDT', type: 'gnn_graph' }, 'invalid_request', ['graph.interval']],
    [
      { ...RANGE, symbol: 'BTCUSDT', type: 'gnn_graph', graph: { interval: '5m' }, stages: ['load', 'build-graph'] },
      'invalid_request',
      ['stages'],
    ],
    [{ ...RANGE, symbol: 'BTCUSDT', types: ['gnn_graph', 'api_trades'], graph: { interval: '5m' } }, 'invalid_request', ['types.0']],
    [
      { ...BTC, symbol: undefined as never, symbols: Array.from({ length: 101 }, (_, index) => `S${index}`) },
      'invalid_request',
      ['symbols'],
    ],
  ];
  for (const [raw, code, paths] of cases) {
    const defined = Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== undefined)) as unknown as RawRequest;
    const refused = refusalOf(defined);
    assert.equal(refused.code, code, JSON.stringify(raw).slice(0, 200));
    assert.deepEqual([...new Set(refused.paths)], paths, JSON.stringify(raw).slice(0, 200));
  }
});

test('a range in which no bucket of a series has closed yet is refused; one that is wholly in the future too', () => {
  const request = normaliseRequest({ ...RANGE, symbol: 'BTCUSDT', types: ['api_candles_5m', 'api_candles_1M'] });

  checkSelections(selectionsOf(request, Date.UTC(2024, 8, 2)));
  for (const asOf of [Date.UTC(2024, 7, 20), Date.UTC(2024, 6, 1)]) {
    assert.throws(
      () => checkSelections(selectionsOf(request, asOf)),
      (error) => error instanceof AppError && error.code === 'invalid_request' && error.context.fields?.[0]?.path === 'time_range',
    );
  }
});
