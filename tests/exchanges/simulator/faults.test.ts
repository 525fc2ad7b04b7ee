import assert from 'node:assert/strict';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { type TestContext, test } from 'node:test';
import { eventually } from '../../support/eventually.ts';
import { startTestSimulator, type TestSimulator } from '../../support/simulator.ts';

const FROM = Date.UTC(2024, 7, 1);
const KLINES = `klines?symbol=BTCUSDT&interval=5m&startTime=${FROM}&limit=10`;
const FROM_ID = 'aggTrades?symbol=BTCUSDT&limit=10&fromId=';

async function aSimulator(t: TestContext): Promise<TestSimulator> {
  const simulator = await startTestSimulator({ weightLimit: 1_000_000 });
  t.after(() => simulator.close());
  return simulator;
}

interface RawAnswer {
  readonly length: number;
  readonly body: string;
  readonly error: string | undefined;
  readonly firstByteMs: number;
}

/** Reads an answer byte for byte, with what became of the connection. */
function readRaw(simulator: TestSimulator, path: string, stopAfter = Number.POSITIVE_INFINITY): Promise<RawAnswer> {
  const begun = performance.now();
  let answered = false;
  return new Promise((resolve) => {
    const request = httpGet(`${simulator.rest}/api/v3/${path}`, { agent: false }, (response: IncomingMessage) => {
      answered = true;
      let [body, firstByteMs] = ['', 0];
      const finish = (error?: NodeJS.ErrnoException): void =>
        resolve({ length: Number(response.headers['content-length']), body, error: error?.code, firstByteMs });
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        if (body === '') firstByteMs = performance.now() - begun;
        body += chunk;
        if (body.length >= stopAfter) request.destroy();
      });
      response.on('error', finish);
      response.on('end', () => finish());
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (!answered) resolve({ length: 0, body: '', error: error.code, firstByteMs: 0 });
    });
  });
}

const ids = (body: unknown): number[] => (body as { a: number }[]).map((row) => row.a);

test('status: answers with the status, headers and body that were set, as often as was said', async (t) => {
  const simulator = await aSimulator(t);
  await simulator.addFaults(
    { on: 'rest', match: { path: '/api/v3/klines' }, do: 'status', status: 429, headers: { 'Retry-After': '2' }, times: 2 },
    { on: 'rest', match: { path: '/depth' }, do: 'status', status: 403, headers: { 'content-type': 'text/html' }, body: '<html>no</html>' },
    {
      on: 'rest',
      match: { path: '/time' },
      do: 'status',
      status: 418,
      headers: { 'Retry-After': 'soon' },
      body: { code: -1003, msg: 'x' },
    },
    { on: 'rest', match: { path: '/avgPrice' }, do: 'status', status: 503 },
  );

  const [first, second, third] = [await simulator.get(KLINES), await simulator.get(KLINES), await simulator.get(KLINES)];
  const html = await simulator.get('depth?symbol=BTCUSDT');
  const banned = await simulator.get('time');
  const overloaded = await simulator.get('avgPrice?symbol=BTCUSDT');

  assert.deepEqual([first.status, second.status, third.status], [429, 429, 200]);
  assert.equal(first.headers.get('retry-after'), '2');
  assert.ok(Number(first.headers.get('x-mbx-used-weight-1m')) > 0);
  assert.equal((first.body as { code: number }).code, -1003);
  assert.deepEqual([html.status, html.headers.get('content-type'), html.body], [403, 'text/html', '<html>no</html>']);
  assert.deepEqual([banned.status, banned.headers.get('retry-after'), banned.body], [418, 'soon', { code: -1003, msg: 'x' }]);
  assert.equal((overloaded.body as { code: number }).code, -1008);
  const served = await simulator.faults();
  assert.deepEqual(
    served.map((fault) => [fault.do, fault.seen, fault.served]),
    [
      ['status', 3, 2],
      ['status', 1, 1],
      ['status', 1, 1],
      ['status', 1, 1],
    ],
  );
  const journal = await simulator.requests();
  assert.deepEqual([journal[0]?.status, journal[0]?.fault, journal[2]?.fault], [429, 'status', null]);
});

test('reset: tears the connection down in the middle of the body, or before it', async (t) => {
  const simulator = await aSimulator(t);
  await simulator.addFaults({ on: 'rest', do: 'reset', after_bytes: 500 }, { on: 'rest', do: 'reset', after_bytes: 0 });

  const middle = await readRaw(simulator, KLINES);
  const before = await readRaw(simulator, KLINES);
  const whole = await readRaw(simulator, KLINES);

  assert.equal(middle.error, 'ECONNRESET');
  assert.ok(middle.length > 1_000 && middle.body.length <= 500);
  assert.deepEqual([before.error, before.body], ['ECONNRESET', '']);
  assert.equal(whole.error, undefined);
  const journal = await eventually(async () => {
    const entries = await simulator.requests();
    assert.ok(entries.every((entry) => entry.ended_at !== null));
    return entries;
  });
  assert.deepEqual(
    journal.map((entry) => entry.aborted),
    [true, true, false],
  );
});

test('truncate: ends a valid answer early, so that its JSON is torn', async (t) => {
  const simulator = await aSimulator(t);
  await simulator.addFaults({ on: 'rest', do: 'truncate', after_bytes: 700 }, { on: 'rest', do: 'truncate', after_bytes: 1_000_000 });

  const torn = await readRaw(simulator, KLINES);
  const almost = await readRaw(simulator, KLINES);
  const whole = await readRaw(simulator, KLINES);

  assert.deepEqual([torn.error, torn.length, torn.body.length], [undefined, 700, 700]);
  assert.throws(() => JSON.parse(torn.body), SyntaxError);
  assert.equal(almost.body, whole.body.slice(0, -1));
});

test('delay: answers late, or byte by byte', async (t) => {
  const simulator = await aSimulator(t);
  await simulator.addFaults(
    { on: 'rest', do: 'delay', ms: 120 },
    { on: 'rest', do: 'delay', ms: 5, per_chunk: true },
    { on: 'rest', do: 'delay', ms: 5, per_chunk: 400 },
  );

  const late = await readRaw(simulator, KLINES);
  const slow = await readRaw(simulator, KLINES, 3);
  const chunked = await readRaw(simulator, KLINES);

  assert.ok(late.firstByteMs >= 115, `${late.firstByteMs} ms`);
  assert.equal(JSON.parse(late.body).length, 10);
  assert.ok(slow.body.length < 20 && slow.length > 1_000, 'a few bytes of many');
  assert.equal(chunked.body, late.body);
  const journal = await eventually(async () => {
    const entries = await simulator.requests();
    assert.ok(entries.every((entry) => entry.ended_at !== null));
    return entries;
  });
  assert.equal(journal[1]?.aborted, true);
});

test('drop: leaves rows out of a valid page', async (t) => {
  const simulator = await aSimulator(t);
  await simulator.addFaults(
    { on: 'rest', match: { path: '/aggTrades' }, do: 'drop', rows: [2, 5] },
    { on: 'rest', do: 'drop', rows: [8, 99] },
  );
  const unspoilt = await simulator.get('depth?symbol=BTCUSDT');

  const [inside, atTheEnd, whole] = [
    await simulator.get(`${FROM_ID}1000`),
    await simulator.get(`${FROM_ID}1000`),
    await simulator.get(`${FROM_ID}1000`),
  ];

  assert.equal(unspoilt.status, 200, 'only pages of rows can lose some');
  assert.deepEqual(ids(inside.body), [1000, 1001, 1005, 1006, 1007, 1008, 1009]);
  assert.deepEqual(ids(atTheEnd.body), [1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007]);
  assert.equal(ids(whole.body).length, 10);
});

test('case 2: duplicate: the page comes twice in one answer, or the page before comes again', async (t) => {
  const simulator = await aSimulator(t);
  await simulator.addFaults(
    { on: 'rest', do: 'duplicate', match: { nth: 2 } },
    { on: 'rest', do: 'duplicate', of: 'previous', match: { nth: 3 } },
  );

  const pages = [
    await simulator.get(`${FROM_ID}10`),
    await simulator.get(`${FROM_ID}20`),
    await simulator.get(`${FROM_ID}30`),
    await simulator.get(`${FROM_ID}40`),
  ];

  const page = (from: number): number[] => Array.from({ length: 10 }, (_, place) => from + place);
  assert.deepEqual(
    pages.map(({ body }) => ids(body)),
    [page(10), [...page(20), ...page(20)], page(20), page(40)],
  );
});

test('a fault meets only what it matches, from the nth on, and the first that matches is served', async (t) => {
  const simulator = await aSimulator(t);
  const status = (code: number, match: object, times = 1): object => ({ on: 'rest', do: 'status', status: code, match, times });
  await simulator.addFaults(
    status(500, { path: '/aggTrades', from_id: 7 }),
    status(501, { symbol: 'ETHUSDT', nth: 2 }, 2),
    status(502, { symbol: 'ETHUSDT' }),
    status(503, { path: 'lines', symbol: 'BTCUSDT' }),
  );

  const statuses: number[] = [];
  for (const path of [`${FROM_ID}8`, `${FROM_ID}7`, `${FROM_ID}7`, KLINES, KLINES]) statuses.push((await simulator.get(path)).status);
  for (let call = 0; call < 4; call++) statuses.push((await simulator.get('avgPrice?symbol=ETHUSDT')).status);

  assert.deepEqual(statuses, [200, 500, 200, 503, 200, 502, 501, 501, 200]);
});

test('a call that is refused for its weight uses up no fault', async (t) => {
  const simulator = await startTestSimulator({ speed: 0, weightLimit: 1, faults: [{ on: 'rest', do: 'status', status: 500 }] });
  t.after(() => simulator.close());

  const refused = await simulator.get(KLINES);

  assert.equal(refused.status, 429);
  assert.deepEqual((await simulator.faults())[0]?.served, 0);
});

const BAD_FAULTS: readonly [name: string, fault: unknown, path: string][] = [
  ['no object', 5, '.'],
  ['no kind', { on: 'rest' }, '.do'],
  ['an unknown kind', { on: 'rest', do: 'explode' }, '.do'],
  ['no side', { do: 'reset', after_bytes: 1 }, '.on'],
  ['a stream, which is not simulated yet', { on: 'ws', do: 'silence', ms: 5 }, 'on'],
  ['a status out of range', { on: 'rest', do: 'status', status: 99 }, '.status'],
  ['no status', { on: 'rest', do: 'status' }, '.status'],
  ['a header with a line break', { on: 'rest', do: 'status', status: 500, headers: { 'a\nb': 'x' } }, '.headers.a\nb'],
  ['zero times', { on: 'rest', do: 'reset', times: 0 }, '.times'],
  ['rows that end before they begin', { on: 'rest', do: 'drop', rows: [5, 5] }, '.rows'],
  ['no rows', { on: 'rest', do: 'drop' }, '.rows'],
  ['an unknown field', { on: 'rest', do: 'duplicate', colour: 'red' }, '.'],
  ['an unknown match', { on: 'rest', do: 'duplicate', match: { method: 'GET' } }, '.match'],
  ['a negative delay', { on: 'rest', do: 'delay', ms: -1 }, '.ms'],
  ['no number of bytes', { on: 'rest', do: 'truncate' }, '.after_bytes'],
];

for (const [name, fault, path] of BAD_FAULTS) {
  test(`refuses a fault with ${name}, and takes none of its neighbours`, async (t) => {
    const simulator = await aSimulator(t);
    const post = (body: unknown): Promise<Response> =>
      fetch(`${simulator.rest}/_sim/faults`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });

    const response = await post(fault);
    const both = await post([{ on: 'rest', do: 'reset' }, fault]);

    assert.deepEqual([response.status, both.status], [400, 400]);
    const { detail } = (await response.json()) as { detail: { path: string; message: string }[] };
    assert.ok(
      detail.some((problem) => problem.path === path),
      JSON.stringify(detail),
    );
    assert.deepEqual(await simulator.faults(), []);
  });
}

test('faults can be cleared', async (t) => {
  const simulator = await aSimulator(t);
  await simulator.addFaults({ on: 'rest', do: 'reset', times: 100 });

  await simulator.clearFaults();

  assert.equal((await simulator.get('ping')).status, 200);
  assert.deepEqual(await simulator.faults(), []);
});
