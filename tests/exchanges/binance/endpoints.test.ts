import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { Series } from '../../../shared/domain/series.ts';
import { BinanceExchange } from '../../../shared/exchanges/binance/binance-exchange.ts';
import { seededRandom } from '../../../shared/runtime/random.ts';
import { eventually } from '../../support/eventually.ts';
import { openBench } from './open-bench.ts';
import { createSkippingClock, TEST_DEADLINE_MS } from './skipping-clock.ts';
import { klinesOf, START } from './wire-rows.ts';

const series: Series = { exchange: 'binance', symbol: 'BTCUSDT', kind: 'candles', interval: '5m' };
const markets = { BTCUSDT: { klines: { '5m': klinesOf(0, 100) } } };

test('exchangeInfo is read once for all callers, kept for an hour, and read again for a symbol that it lacks', async (t) => {
  const { exchange, server, clock } = await openBench(t, markets);

  const [symbols, info] = await Promise.all([exchange.symbols(), exchange.symbol('BTCUSDT'), exchange.symbols()]);
  assert.equal(server.asked('/exchangeInfo').length, 1);
  assert.deepEqual(info, { symbol: 'BTCUSDT', base_asset: 'BTC', quote_asset: 'USDT', status: 'TRADING', price_step: '0.01000000' });
  assert.equal(symbols.length, 1);
  await assert.rejects(exchange.symbol('NEWUSDT'), { code: 'unknown_symbol' });
  assert.equal(server.asked('/exchangeInfo').length, 1);
  clock.set(clock.now() + 61_000);
  await assert.rejects(exchange.symbol('NEWUSDT'), { code: 'unknown_symbol' });
  assert.equal(server.asked('/exchangeInfo').length, 2);
  clock.set(clock.now() + 3_600_001);
  await exchange.symbols();
  assert.equal(server.asked('/exchangeInfo').length, 3);
});

for (const body of ['{"code":-1000,"msg":"An unknown error occurred."}', '{"symbols":[]}']) {
  test(`an exchangeInfo without a symbol is no answer: ${body} with status 200 is asked for again`, async (t) => {
    const { exchange, server } = await openBench(t, markets);
    server.script(({ path }, _rows, nth) => (path.endsWith('/exchangeInfo') && nth === 1 ? { status: 200, body } : undefined));

    const symbols = await exchange.symbols();

    assert.deepEqual([symbols.length, server.asked('/exchangeInfo').length], [1, 2]);
  });
}

test('a caller that gives up does not take the shared exchangeInfo away from the others', async (t) => {
  const { exchange, server } = await openBench(t, markets);
  server.script(({ path }, _rows, nth) => (path.endsWith('/exchangeInfo') && nth === 1 ? { stall: true } : undefined));
  const stop = new AbortController();

  const first = exchange.symbols({ signal: stop.signal });
  await eventually(() => server.requests.length === 1);
  const second = exchange.symbols();
  stop.abort(new Error('gave up'));

  await assert.rejects(first, { message: 'gave up' });
  assert.equal((await second).length, 1);
});

test('an order book is stamped by the exchange and weighs by its depth', async (t) => {
  const { exchange, clock } = await openBench(t, markets, { skewMs: 90_000 });

  const depth = await exchange.depthSnapshot('BTCUSDT', 1000);

  assert.deepEqual(depth, {
    time: clock.now() + 90_000,
    first_update_id: 50093239218,
    last_update_id: 50093239218,
    snapshot: true,
    bids: [[61837.63, 3.78826]],
    asks: [[61837.64, 1.54698]],
  });
  await assert.rejects(exchange.depthSnapshot('BTCUSDT', 5001), { code: 'invalid_request' });
});

test('the first row ever is told by its time', async (t) => {
  const { exchange } = await openBench(t, markets);

  assert.equal(await exchange.firstRowTime(series), START);
  assert.equal(await exchange.firstRowTime({ ...series, kind: 'trades' } as Series), undefined);
  await assert.rejects(exchange.firstRowTime({ exchange: 'binance', symbol: 'BTCUSDT', kind: 'quotes' }), { code: 'not_yet_supported' });
});

test('case 2: another page is no answer to what the first row ever is', async (t) => {
  const { exchange, server } = await openBench(t, markets);
  server.script(({ path }, _rows, nth) => (path.endsWith('/klines') && nth === 1 ? klinesOf(50, 20) : undefined));

  assert.equal(await exchange.firstRowTime(series), START);
});

test('nobody is called but the host of the settings, below its path', async (t) => {
  const paths: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url);
    response.end('{"serverTime":1499827319559}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const options = { clock: createSkippingClock(START), random: seededRandom(1), deadlineMs: TEST_DEADLINE_MS };
  const exchange = new BinanceExchange({ ...options, baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/gate/` });
  t.after(async () => {
    await exchange.close();
    server.close();
  });

  assert.equal(await exchange.time(), 1499827319559);
  assert.deepEqual(paths, ['/gate/api/v3/time']);
  assert.throws(() => new BinanceExchange({ ...options, baseUrl: 'ftp://x' }), { code: 'invalid_setting' });
});
