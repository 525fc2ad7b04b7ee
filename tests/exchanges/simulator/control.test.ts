import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import type { AggTrade, Candle, Trade } from '../../../shared/domain/rows.ts';
import { eventually } from '../../support/eventually.ts';
import { startTestSimulator, type TestSimulator } from '../../support/simulator.ts';

const NOW = Date.UTC(2024, 7, 1, 10, 30, 20);
const FROM = Date.UTC(2024, 7, 1);

let simulator: TestSimulator;
before(async () => {
  simulator = await startTestSimulator({ now: NOW, speed: 0, weightLimit: 1_000_000 });
});
after(() => simulator.close());

const post = (path: string, body: string, type = 'application/json'): Promise<Response> =>
  fetch(`${simulator.rest}${path}`, { method: 'POST', headers: { 'content-type': type }, body });

test("the truth of candles is what klines serve, closed ones only, in the contract's shape", async () => {
  for (const interval of ['1s', '1m', '5m', '1h']) {
    const length = { '1s': 1_000, '1m': 60_000, '5m': 300_000, '1h': 3_600_000 }[interval] ?? 0;
    const from = interval === '1h' ? FROM : NOW - (NOW % length) - 50 * length;
    const truth = await simulator.truth<Candle>(`binance:ETHUSDT:candles:${interval}`, { from });
    const rows = (await simulator.get(`klines?symbol=ETHUSDT&interval=${interval}&startTime=${from}&limit=1000`)).body as (string &
      number)[][];
    const closed = rows.filter((row) => (row[6] ?? 0) < NOW);

    assert.equal(rows.length, closed.length + 1);
    assert.deepEqual(
      truth,
      closed.map(([open_time, open, high, low, close, volume, close_time, quote_volume, trade_count, base, quote]) => ({
        open_time,
        close_time,
        open: Number(open),
        high: Number(high),
        low: Number(low),
        close: Number(close),
        volume: Number(volume),
        quote_volume: Number(quote_volume),
        trade_count,
        taker_buy_volume: Number(base),
        taker_buy_quote_volume: Number(quote),
        is_closed: true,
      })),
    );
  }
});

test('case 4: the truth is half-open and ends at the clock', async () => {
  const day = await simulator.truth<Candle>('binance:SOLUSDT:candles:5m', { from: FROM, to: FROM + 3_600_000 });
  const trades = await simulator.truth<Trade>('binance:SOLUSDT:trades', { from: FROM });
  const aggregates = await simulator.truth<AggTrade>('binance:SOLUSDT:agg-trades', { from: FROM });
  const cut = aggregates[100]?.time ?? 0;
  const before = await simulator.truth<AggTrade>('binance:SOLUSDT:agg-trades', { from: FROM, to: cut });
  const behind = await simulator.truth<AggTrade>('binance:SOLUSDT:agg-trades', { from: cut });

  assert.deepEqual([day.length, day[0]?.open_time, day.at(-1)?.open_time], [12, FROM, FROM + 3_300_000]);
  assert.ok(trades.every((row) => row.time >= FROM && row.time <= NOW));
  assert.equal(trades.length, (aggregates.at(-1)?.last_trade_id ?? 0) - (aggregates[0]?.first_trade_id ?? 0) + 1);
  assert.deepEqual([...before, ...behind], aggregates);
  assert.deepEqual(await simulator.truth('binance:SOLUSDT:trades', { from: NOW + 1 }), []);
});

test('time_us is there when something lies below the millisecond, and only then', async () => {
  const rows = await simulator.truth<Trade>('binance:BTCUSDT:trades', { from: FROM, to: FROM + 1_800_000 });
  const burst = await simulator.truth<Trade>('binance:XRPUSDT:trades', {
    from: Date.UTC(2024, 6, 15, 12),
    to: Date.UTC(2024, 6, 15, 12) + 1,
  });

  assert.ok(rows.some((row) => row.time_us !== undefined));
  assert.ok(rows.every((row) => row.time_us === undefined || (row.time_us >= 1 && row.time_us <= 999)));
  assert.ok(burst.length > 2_000 && burst.every((row) => !('time_us' in row)));
  assert.deepEqual(Object.keys(burst[0] ?? {}), ['id', 'time', 'price', 'quantity', 'quote_quantity', 'side', 'is_best_match']);
});

test('there is no truth of what is not here', async () => {
  for (const series of [
    'bitmex:XBTUSD:trades',
    'binance:NOPEUSDT:trades',
    'binance:BTCUSDT:candles:7m',
    'binance:BTCUSDT:depth',
    'nonsense',
  ]) {
    const { status, body } = await simulator.get(`/_sim/truth?series=${encodeURIComponent(series)}`);
    assert.equal(status, 404, series);
    assert.ok((body as { error: string }).error.length > 20);
  }
  assert.equal((await simulator.get('/_sim/truth')).status, 400);
  assert.equal((await simulator.get('/_sim/truth?series=binance:BTCUSDT:trades&from=yesterday')).status, 400);
});

test('a long truth streams, and stops when nobody reads on', async () => {
  const request = httpRequest(`${simulator.rest}/_sim/truth?series=binance:BTCUSDT:trades`);
  request.end();
  const [response] = await once(request, 'response');
  const [chunk] = await once(response, 'data');
  request.destroy();

  assert.match(String(chunk), /^\{"id":1,/);
  assert.equal((await simulator.get('ping')).status, 200, 'it serves others meanwhile');
});

test('every request is in the journal, with its start, its end and what became of it', async (t) => {
  const mine = await startTestSimulator({
    weightLimit: 1_000_000,
    faults: [{ on: 'rest', match: { path: '/time' }, do: 'delay', ms: 60_000 }],
  });
  t.after(() => mine.close());
  const began = Date.now();
  await mine.get('klines?symbol=BTCUSDT&interval=5m&limit=1');
  await mine.get('nothing?a=b');
  const open = new AbortController();
  const waiting = fetch(`${mine.rest}/api/v3/time`, { signal: open.signal });

  const running = await eventually(async () => {
    const entries = await mine.requests();
    assert.equal(entries.length, 3);
    return entries;
  });
  open.abort();
  await assert.rejects(waiting);
  const ended = await eventually(async () => {
    const entry = (await mine.requests())[2];
    assert.notEqual(entry?.ended_at, null);
    return entry;
  });

  const [first, second, third] = running;
  assert.deepEqual(
    [first?.id, first?.method, first?.path, first?.query, first?.status, first?.weight, first?.aborted, first?.fault],
    [1, 'GET', '/api/v3/klines', { symbol: 'BTCUSDT', interval: '5m', limit: '1' }, 200, 2, false, null],
  );
  assert.ok(
    first !== undefined && first.started_at >= began && (first.ended_at ?? 0) >= first.started_at && (first.ended_at ?? 0) <= Date.now(),
  );
  assert.deepEqual([second?.status, second?.query], [404, { a: 'b' }]);
  assert.deepEqual([third?.ended_at, third?.fault], [null, 'delay']);
  assert.deepEqual([ended?.aborted, ended?.id], [true, 3]);
});

test('the journal can be read from a request on', async () => {
  const all = await simulator.requests();
  const { body } = await simulator.get(`/_sim/requests?since=${all.at(-2)?.id ?? 0}`);

  assert.deepEqual(body, all.slice(-1));
});

test('the clock can be set, moved on and sped up, and runs at its speed', async (t) => {
  const mine = await startTestSimulator({ now: NOW, speed: 0 });
  t.after(() => mine.close());
  const time = async (): Promise<number> => ((await mine.get('time')).body as { serverTime: number }).serverTime;

  assert.equal(await time(), NOW);
  assert.deepEqual(await mine.setClock({ now: '2024-08-02T00:00:00Z' }), { now: Date.UTC(2024, 7, 2), speed: 0 });
  assert.equal((await mine.setClock({ advance_ms: 1_500 })).now, Date.UTC(2024, 7, 2) + 1_500);
  await mine.setClock({ now: NOW, speed: 3_600 });
  const ran = await eventually(async () => {
    const shown = await time();
    assert.ok(shown > NOW + 60_000);
    return shown;
  });
  assert.ok(ran < NOW + 3_600 * 60_000, 'an hour a second, and no more');
  await mine.setClock({ speed: 0 });
  const stopped = await time();
  assert.equal(await time(), stopped);
});

test('refuses what it is told in another form than JSON, too much of it, or wrongly', async () => {
  assert.equal((await post('/_sim/clock', '{"now":1}', 'text/plain')).status, 415);
  assert.equal((await post('/_sim/clock', '{"now":')).status, 400);
  assert.equal((await post('/_sim/clock', '{"now":"soon"}')).status, 400);
  assert.equal((await post('/_sim/clock', '{"speed":-1}')).status, 400);
  assert.equal((await post('/_sim/clock', '{"now":5,"advance_ms":5}')).status, 400);
  assert.equal((await post('/_sim/faults', JSON.stringify({ x: 'y'.repeat(300_000) }))).status, 413);
  assert.equal((await post('/_sim/nothing', '{}')).status, 404);
  assert.equal((await fetch(`${simulator.rest}/_sim/clock`, { method: 'DELETE' })).status, 404);
});

/** The status line that a caller with these headers gets. */
async function knock(headers: Readonly<Record<string, string>>, path = '/api/v3/ping'): Promise<number> {
  const { hostname, port } = new URL(simulator.rest);
  const request = httpRequest({ hostname, port, path, headers, agent: false });
  request.end();
  const [response] = await once(request, 'response');
  response.resume();
  return response.statusCode;
}

test('only a caller that names this machine comes in, and no page of another origin', async () => {
  const { host, port } = new URL(simulator.rest);

  assert.equal(await knock({ host }), 200);
  assert.equal(await knock({ host: `localhost:${port}` }), 200);
  assert.equal(await knock({ host, origin: `http://${host}` }), 200);
  assert.equal(await knock({ host: 'exchange.example' }), 403);
  assert.equal(await knock({ host: `127.0.0.1:1` }), 403);
  assert.equal(await knock({ host, origin: 'http://exchange.example' }, '/_sim/requests'), 403);
});

test('a stream is refused with 501 until streams are simulated', async () => {
  const { port } = new URL(simulator.ws);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(`GET /ws/btcusdt@trade HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);

  const [answer] = await once(socket, 'data');
  socket.destroy();

  assert.match(String(answer), /^HTTP\/1\.1 501 /);
});
