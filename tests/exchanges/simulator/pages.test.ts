import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { z } from 'zod';
import { startTestSimulator, type TestSimulator } from '../../support/simulator.ts';

/** Clock of these tests: a Thursday, in the middle of a minute, an hour, a day, a week and a month. */
const NOW = Date.UTC(2024, 7, 1, 10, 30, 20, 500);
const FROM = Date.UTC(2024, 7, 1);

let simulator: TestSimulator;
before(async () => {
  simulator = await startTestSimulator({ now: NOW, speed: 0, weightLimit: 1_000_000 });
});
after(() => simulator.close());

const decimal = z.string().regex(/^-?\d+\.\d{8}$/);
const percent = z.string().regex(/^-?\d+\.\d{3}$/);
const whole = z.number().int();
const time = whole.min(FROM - 60 * 86_400_000).max(NOW + 40 * 86_400_000);
const kline = z.tuple([time, decimal, decimal, decimal, decimal, decimal, time, decimal, whole, decimal, decimal, z.literal('0')]);
const aggregate = z.strictObject({ a: whole, p: decimal, q: decimal, f: whole, l: whole, T: time, m: z.boolean(), M: z.boolean() });
const trade = z.strictObject({
  id: whole,
  price: decimal,
  qty: decimal,
  quoteQty: decimal,
  time,
  isBuyerMaker: z.boolean(),
  isBestMatch: z.boolean(),
});
const book = z.strictObject({
  lastUpdateId: whole,
  bids: z.array(z.tuple([decimal, decimal])),
  asks: z.array(z.tuple([decimal, decimal])),
});
const price = z.strictObject({ symbol: z.string(), price: decimal });
const bookTicker = z.strictObject({ symbol: z.string(), bidPrice: decimal, bidQty: decimal, askPrice: decimal, askQty: decimal });
const mini = z.strictObject({
  symbol: z.string(),
  openPrice: decimal,
  highPrice: decimal,
  lowPrice: decimal,
  lastPrice: decimal,
  volume: decimal,
  quoteVolume: decimal,
  openTime: time,
  closeTime: time,
  firstId: whole,
  lastId: whole,
  count: whole,
});
const windowed = mini.extend({ priceChange: decimal, priceChangePercent: percent, weightedAvgPrice: decimal });
const day = windowed.extend({
  prevClosePrice: decimal,
  lastQty: decimal,
  bidPrice: decimal,
  bidQty: decimal,
  askPrice: decimal,
  askQty: decimal,
});
const info = z.strictObject({
  timezone: z.literal('UTC'),
  serverTime: time,
  rateLimits: z.array(z.strictObject({ rateLimitType: z.string(), interval: z.string(), intervalNum: whole, limit: whole })).min(1),
  exchangeFilters: z.tuple([]),
  symbols: z
    .array(
      z.looseObject({
        symbol: z.string(),
        status: z.enum(['TRADING', 'BREAK']),
        baseAsset: z.string(),
        quoteAsset: z.string(),
        baseAssetPrecision: z.literal(8),
        isSpotTradingAllowed: z.boolean(),
        filters: z.array(z.looseObject({ filterType: z.string() })).min(2),
        permissionSets: z.array(z.array(z.string())),
      }),
    )
    .min(1),
});

/** Every page quoted in the protocol reference: path, weight, shape. */
const PAGES: readonly [path: string, weight: number, shape: z.ZodType][] = [
  ['ping', 1, z.strictObject({})],
  ['time', 1, z.strictObject({ serverTime: z.literal(NOW) })],
  ['exchangeInfo', 20, info],
  ['exchangeInfo?symbol=BTCUSDT', 20, info],
  ['exchangeInfo?symbols=%5B%22BTCUSDT%22,%22BNBUSDT%22%5D', 20, info],
  ['exchangeInfo?symbolStatus=BREAK', 20, info],
  [`klines?symbol=BTCUSDT&interval=1s&startTime=${FROM}&limit=3`, 2, z.array(kline).length(3)],
  [`klines?symbol=BTCUSDT&interval=1M&limit=1`, 2, z.array(kline).length(1)],
  [`uiKlines?symbol=BTCUSDT&interval=5m&startTime=${FROM}&endTime=${FROM + 600_000}`, 2, z.array(kline).length(3)],
  [`aggTrades?symbol=BTCUSDT&startTime=${FROM}&limit=2`, 4, z.array(aggregate).length(2)],
  ['trades?symbol=BTCUSDT&limit=2', 25, z.array(trade).length(2)],
  ['historicalTrades?symbol=BTCUSDT&fromId=13950000&limit=2', 25, z.array(trade).length(2)],
  ['historicalBlockTrades?symbol=BTCUSDT&fromId=1', 25, z.tuple([])],
  ['depth?symbol=BTCUSDT', 5, book],
  ['depth?symbol=BTCUSDT&limit=101', 25, book],
  ['depth?symbol=BTCUSDT&limit=1000', 50, book],
  ['depth?symbol=BTCUSDT&limit=9999', 250, book.refine(({ bids, asks }) => bids.length <= 5_000 && asks.length === 5_000)],
  ['avgPrice?symbol=BTCUSDT', 2, z.strictObject({ mins: z.literal(5), price: decimal, closeTime: time })],
  ['ticker/24hr?symbol=BTCUSDT', 2, day],
  ['ticker/24hr?symbol=BTCUSDT&type=MINI', 2, mini],
  ['ticker/24hr', 80, z.array(day).min(5)],
  ['ticker/24hr?symbols=%5B%22BTCUSDT%22,%22ADAUSDT%22%5D&type=MINI', 2, z.array(mini).length(2)],
  ['ticker/price?symbol=BTCUSDT', 2, price],
  ['ticker/price', 4, z.array(price).min(5)],
  ['ticker/bookTicker?symbol=BTCUSDT', 2, bookTicker],
  ['ticker/bookTicker?symbols=%5B%22BTCUSDT%22%5D', 4, z.array(bookTicker).length(1)],
  ['ticker?symbol=BTCUSDT&windowSize=4h', 4, windowed],
  ['ticker?symbols=%5B%22BTCUSDT%22,%22ADAUSDT%22%5D&windowSize=7d&type=MINI', 8, z.array(mini).length(2)],
  ['ticker/tradingDay?symbol=BTCUSDT', 4, windowed],
];

for (const [path, weight, shape] of PAGES) {
  test(`serves ${path} as it is documented, for a weight of ${weight}`, async () => {
    const used = async (): Promise<number> => Number((await simulator.get('ping')).headers.get('x-mbx-used-weight-1m'));
    const before = await used();

    const { status, headers, body } = await simulator.get(path);

    assert.equal(status, 200);
    assert.equal(headers.get('content-type'), 'application/json;charset=UTF-8');
    assert.equal(Number(headers.get('x-mbx-used-weight-1m')), before + weight);
    shape.parse(body);
  });
}

const BAD: readonly [path: string, code: number, message: string][] = [
  ['klines?interval=5m', -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."],
  ['klines?symbol=BTCUSDT', -1102, "Mandatory parameter 'interval' was not sent, was empty/null, or malformed."],
  ['klines?symbol=&interval=5m', -1105, "Parameter 'symbol' was empty."],
  ['klines?symbol=NOPEUSDT&interval=5m', -1121, 'Invalid symbol.'],
  ['klines?symbol=btcusdt&interval=5m', -1100, "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9-_.]{1,20}$'."],
  ['klines?symbol=BTCUSDT&interval=7m', -1120, 'Invalid interval.'],
  ['klines?symbol=BTCUSDT&interval=1mo', -1120, 'Invalid interval.'],
  ['klines?symbol=BTCUSDT&interval=5m&limit=0', -1130, "Data sent for parameter 'limit' is not valid."],
  ['klines?symbol=BTCUSDT&interval=5m&limit=-5', -1100, "Illegal characters found in parameter 'limit'; legal range is '^[0-9]{1,20}$'."],
  [
    'klines?symbol=BTCUSDT&interval=5m&startTime=now',
    -1100,
    "Illegal characters found in parameter 'startTime'; legal range is '^[0-9]{1,20}$'.",
  ],
  ['klines?symbol=BTCUSDT&interval=5m&timeZone=15', -1130, "Data sent for parameter 'timeZone' is not valid."],
  ['klines?symbol=BTCUSDT&interval=5m&colour=red', -1104, "Not all sent parameters were read; read '2' parameter(s) but was sent '3'."],
  ['klines?symbol=BTCUSDT&symbol=BTCUSDT&interval=5m', -1101, 'Duplicate values for a parameter detected.'],
  ['time?x=1', -1101, "Too many parameters; expected '0' and received '1'."],
  ['aggTrades?symbol=BTCUSDT&fromId=1&startTime=1', -1128, 'Combination of optional parameters invalid.'],
  ['exchangeInfo?symbols=%5B%22BTCUSDT%22,%22NOPEUSDT%22%5D', -1121, 'Invalid symbol.'],
  ['exchangeInfo?symbol=BTCUSDT&symbols=%5B%22BTCUSDT%22%5D', -1128, 'Combination of optional parameters invalid.'],
  [
    'ticker/price?symbols=BTCUSDT',
    -1100,
    `Illegal characters found in parameter 'symbols'; legal range is '^\\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}){0,1}\\]$'.`,
  ],
  ['depth?symbol=BTCUSDT&symbolStatus=ASLEEP', -1122, 'Invalid symbolStatus.'],
  ['depth?symbol=BTCUSDT&symbolStatus=BREAK', -1220, "The symbol's status does not match the requested symbolStatus."],
  ['ticker?symbol=BTCUSDT&windowSize=60m', -1130, "Data sent for parameter 'windowSize' is not valid."],
];

for (const [path, code, message] of BAD) {
  test(`case 19: refuses ${path} with ${code}`, async () => {
    const { status, body } = await simulator.get(path);

    assert.equal(status, 400);
    assert.deepEqual(body, { code, msg: message });
  });
}

test('answers 404 with HTML for a path that is not there, and 405 for another method', async () => {
  const missing = await simulator.get('nothing');
  const posted = await fetch(`${simulator.rest}/api/v3/ping`, { method: 'POST' });

  assert.equal(missing.status, 404);
  assert.match(String(missing.body), /^<html>/);
  assert.equal(posted.status, 405);
});

type Kline = z.infer<typeof kline>;
const opens = async (query: string): Promise<number[]> =>
  ((await simulator.get(`klines?symbol=ETHUSDT&${query}`)).body as Kline[]).map((row) => row[0]);

test('case 4: startTime and endTime are inclusive and select by opening time; limit counts from the right end', async () => {
  const step = 300_000;

  assert.deepEqual(await opens(`interval=5m&startTime=${FROM}&endTime=${FROM + 2 * step}`), [FROM, FROM + step, FROM + 2 * step]);
  assert.deepEqual(await opens(`interval=5m&startTime=${FROM}&endTime=${FROM + 2 * step - 1}`), [FROM, FROM + step]);
  assert.deepEqual(await opens(`interval=5m&startTime=${FROM + 1}&limit=1`), [FROM + step]);
  assert.deepEqual(await opens(`interval=5m&startTime=${FROM}&endTime=${FROM}`), [FROM]);
  assert.deepEqual(await opens(`interval=5m&endTime=${FROM}&limit=2`), [FROM - step, FROM]);
  assert.deepEqual(await opens('interval=5m&limit=2'), [NOW - (NOW % step) - step, NOW - (NOW % step)]);
  assert.deepEqual(await opens(`interval=5m&startTime=${FROM}000&endTime=${FROM + step}000`), [FROM, FROM + step]);
  assert.deepEqual(await opens(`interval=5m&startTime=${FROM}001&limit=1`), [FROM + step]);
  assert.deepEqual(await opens(`interval=5m&startTime=${NOW + 1}`), []);
  assert.deepEqual(await opens(`interval=5m&startTime=${FROM + step}&endTime=${FROM}`), []);
  assert.equal((await opens(`interval=1m&startTime=${FROM - 86_400_000 * 20}&limit=5000`)).length, 1_000);
  assert.equal((await opens('interval=1m')).length, 500);
});

test('case 17: the last row is the candle that forms, and it closes once the clock has passed it', async (t) => {
  const mine = await startTestSimulator({ now: NOW, speed: 0 });
  t.after(() => mine.close());
  const path = 'klines?symbol=BTCUSDT&interval=1m&limit=1';
  const [forming] = (await mine.get(path)).body as Kline[];
  await mine.setClock({ advance_ms: 39_499 });
  const [last] = (await mine.get(path)).body as Kline[];
  await mine.setClock({ advance_ms: 1 });
  const [next] = (await mine.get(path)).body as Kline[];
  const [closed] = (await mine.get(`${path}&endTime=${NOW}`)).body as Kline[];
  await mine.setClock({ now: NOW });
  const [again] = (await mine.get(path)).body as Kline[];

  assert.equal(forming?.[6], Date.UTC(2024, 7, 1, 10, 30, 59, 999));
  assert.ok(Number(forming[8]) < Number(last?.[8]), 'trades came in');
  assert.deepEqual(closed, last);
  assert.equal(next?.[0], Date.UTC(2024, 7, 1, 10, 31));
  assert.deepEqual(again, forming);
});

test('a page grows with the clock, and shrinks when the clock is set back', async (t) => {
  const mine = await startTestSimulator({ now: NOW, speed: 0 });
  t.after(() => mine.close());
  const path = `klines?symbol=ADAUSDT&interval=1m&startTime=${FROM}&limit=1000`;
  const before = (await mine.get(path)).body as Kline[];
  await mine.setClock({ advance_ms: 3_600_000 });
  const grown = (await mine.get(path)).body as Kline[];
  await mine.setClock({ now: NOW });
  const shrunk = (await mine.get(path)).body as Kline[];

  assert.deepEqual([before.length, grown.length], [631, 691]);
  assert.deepEqual(grown.slice(0, 630), before.slice(0, 630));
  assert.deepEqual(shrunk, before);
  const truth = (await simulator.get(path)).body as Kline[];
  assert.deepEqual(truth, before);
});

test('buckets follow the time zone that was asked for, while startTime stays UTC', async () => {
  const [utc] = (await simulator.get(`klines?symbol=ETHUSDT&interval=1d&startTime=${FROM}&limit=1`)).body as Kline[];
  const [east] = (await simulator.get(`klines?symbol=ETHUSDT&interval=1d&startTime=${FROM - 86_400_000}&limit=1&timeZone=8`))
    .body as Kline[];
  const [west] = (await simulator.get(`klines?symbol=ETHUSDT&interval=1d&startTime=${FROM - 86_400_000}&limit=1&timeZone=-1:30`))
    .body as Kline[];

  assert.equal(utc?.[0], FROM);
  assert.equal(new Date(east?.[0] ?? 0).getUTCHours(), 16);
  assert.equal(west?.[0], FROM - 86_400_000 + 5_400_000);
});

test('microseconds are given where they are asked for', async () => {
  const header = { 'X-MBX-TIME-UNIT': 'MICROSECOND' };
  const ask = async <R>(path: string): Promise<R[]> => (await simulator.get(path, header)).body as R[];

  const [row] = await ask<Kline>(`klines?symbol=ETHUSDT&interval=5m&startTime=${FROM}&limit=1`);
  const [fine] = await ask<{ T: number }>(`aggTrades?symbol=ETHUSDT&startTime=${FROM}&limit=1`);
  const [coarse] = (await simulator.get(`aggTrades?symbol=ETHUSDT&startTime=${FROM}&limit=1`)).body as { T: number }[];
  const [fill] = await ask<{ time: number }>('historicalTrades?symbol=ETHUSDT&fromId=1000&limit=1');

  assert.deepEqual([row?.[0], row?.[6]], [FROM * 1_000, (FROM + 300_000) * 1_000 - 1]);
  assert.equal(Math.floor((fine?.T ?? 0) / 1_000), coarse?.T);
  assert.ok((fill?.time ?? 0) > 1e15);
  assert.deepEqual((await simulator.get('time', header)).body, { serverTime: NOW * 1_000 });
});

type Aggregate = z.infer<typeof aggregate>;
const aggregates = async (query: string): Promise<Aggregate[]> =>
  (await simulator.get(`aggTrades?symbol=XRPUSDT&${query}`)).body as Aggregate[];

test('case 1: a millisecond with more than a page of aggregates is walked by id without losing or repeating one', async () => {
  const noon = Date.UTC(2024, 6, 15, 12);
  const [first] = await aggregates(`startTime=${noon}&limit=1`);
  const walked: Aggregate[] = [];
  for (let id = first?.a ?? 0, more = true; more; ) {
    const page = await aggregates(`fromId=${id}&limit=1000`);
    walked.push(...page.filter((row) => row.T === noon));
    more = page.at(-1)?.T === noon;
    id = (page.at(-1)?.a ?? 0) + 1;
  }

  assert.equal(walked.length, 1_104);
  assert.ok(walked.every((row, place) => row.a === (first?.a ?? 0) + place));
  assert.ok(walked.every((row, place) => place === 0 || row.f === (walked[place - 1]?.l ?? 0) + 1));
  const same = await aggregates(`startTime=${noon}&endTime=${noon}&limit=1000`);
  assert.deepEqual(same, walked.slice(0, 1_000));
});

test('aggTrades and historicalTrades begin where they are told and end at the clock', async () => {
  const newest = await aggregates('limit=3');
  const upTo = await aggregates(`endTime=${FROM}&limit=2`);
  const firstEver = await aggregates('fromId=0&limit=1');
  const beyond = await aggregates('fromId=99999999');
  const later = await aggregates(`startTime=${NOW + 1}`);
  const trades = (await simulator.get('historicalTrades?symbol=XRPUSDT&limit=2')).body as { id: number }[];
  const recent = (await simulator.get('trades?symbol=XRPUSDT&limit=2')).body as { id: number }[];

  assert.ok(newest.every((row) => row.T <= NOW) && newest.length === 3);
  assert.ok((upTo[1]?.T ?? 0) <= FROM);
  assert.equal(
    (await aggregates(`fromId=${(upTo[1]?.a ?? 0) + 1}&limit=1`))[0]?.T,
    (await aggregates(`startTime=${FROM + 1}&limit=1`))[0]?.T,
  );
  assert.equal(firstEver[0]?.a, 1);
  assert.deepEqual([beyond, later], [[], []]);
  assert.deepEqual(trades, recent);
  assert.equal(trades[1]?.id, newest[2]?.l);
});

test('case 23: two symbols have the same trade ids', async () => {
  const ask = async (symbol: string): Promise<{ id: number; price: string }[]> =>
    (await simulator.get(`historicalTrades?symbol=${symbol}&fromId=1&limit=1`)).body as { id: number; price: string }[];

  const [a, b] = [await ask('BTCUSDT'), await ask('ETHUSDT')];

  assert.deepEqual([a[0]?.id, b[0]?.id], [1, 1]);
  assert.notEqual(a[0]?.price, b[0]?.price);
});

test('tickers agree with the candles and the book', async () => {
  const [hour] = (await simulator.get('ticker?symbols=%5B%22SOLUSDT%22%5D&windowSize=1h')).body as z.infer<typeof windowed>[];
  const rows = (await simulator.get(`klines?symbol=SOLUSDT&interval=1m&startTime=${hour?.openTime}&limit=1000`)).body as Kline[];
  const best = (await simulator.get('ticker/bookTicker?symbol=SOLUSDT')).body as z.infer<typeof bookTicker>;
  const levels = (await simulator.get('depth?symbol=SOLUSDT&limit=1')).body as z.infer<typeof book>;

  const traded = rows.filter((row) => row[8] > 0);
  assert.equal(
    hour?.count,
    rows.reduce((total, row) => total + row[8], 0),
  );
  assert.equal((hour?.lastId ?? 0) - (hour?.firstId ?? 0) + 1, hour?.count);
  assert.deepEqual([hour?.openPrice, hour?.lastPrice], [traded[0]?.[1], traded.at(-1)?.[4]]);
  assert.equal(Number(hour?.highPrice), Math.max(...traded.map((row) => Number(row[2]))));
  assert.deepEqual(levels.bids[0], [best.bidPrice, best.bidQty]);
  assert.deepEqual(levels.asks[0], [best.askPrice, best.askQty]);
});
