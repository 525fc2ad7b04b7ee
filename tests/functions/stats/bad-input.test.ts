import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type ServedStats, serveStats } from './serve-stats.ts';

interface Problem {
  readonly code: string;
  readonly fields?: readonly { readonly path: string; readonly problem: string; readonly allowed?: string }[];
}

const rows = '/series/binance:BTCUSDT:candles:5m/rows';
const collection = '/collections/some_name/rows';

/** Path, status, code, and the field that is named. */
const CASES: readonly (readonly [path: string, status: number, code: string, field: string | undefined])[] = [
  ...[rows, collection].flatMap((path): [string, number, string, string][] => [
    [`${path}?from=yesterday`, 400, 'invalid_request', 'from'],
    [`${path}?from=-1`, 400, 'invalid_request', 'from'],
    [`${path}?from=`, 400, 'invalid_request', 'from'],
    [`${path}?from=2024-02-30`, 400, 'invalid_request', 'from'],
    [`${path}?to=2024-13-01`, 400, 'invalid_request', 'to'],
    [`${path}?to=${'9'.repeat(50)}`, 400, 'invalid_request', 'to'],
    [`${path}?from=2024-08-02&to=2024-08-01`, 400, 'invalid_request', 'to'],
    [`${path}?limit=0`, 400, 'invalid_request', 'limit'],
    [`${path}?limit=10001`, 400, 'invalid_request', 'limit'],
    [`${path}?limit=many`, 400, 'invalid_request', 'limit'],
    [`${path}?limit=1.5`, 400, 'invalid_request', 'limit'],
    [`${path}?cursor=`, 400, 'invalid_request', 'cursor'],
    [`${path}?cursor=${'1'.repeat(201)}`, 400, 'invalid_request', 'cursor'],
    [`${path}?format=xml`, 400, 'invalid_request', 'format'],
    [`${path}?time_unit=s`, 400, 'invalid_request', 'time_unit'],
  ]),
  [`${rows}?cursor=elsewhere`, 400, 'invalid_request', 'cursor'],
  ['/series/binance:BTCUSDT:quotes/rows?format=csv', 400, 'invalid_request', 'format'],
  ['/series/nowhere:BTCUSDT:trades/rows', 400, 'invalid_request', 'id'],
  ['/series/binance:BTCUSDT:candles:7m/rows', 400, 'invalid_request', 'id'],
  ['/series/binance:BTCUSDT:candles', 400, 'invalid_request', 'id'],
  ['/series/binance:btc%20usdt:trades', 400, 'unsupported_symbol', 'id'],
  ["/series/binance:BTC';DROP:trades", 400, 'unsupported_symbol', 'id'],
  ['/series/binance:NOPEUSDT:trades', 404, 'not_found', undefined],
  ['/coverage/nowhere:X:trades', 400, 'invalid_request', 'id'],
  ['/coverage/binance:BTCUSDT:trades?from=x', 400, 'invalid_request', 'from'],
  ['/coverage/binance:BTCUSDT:trades?to=x', 400, 'invalid_request', 'to'],
  ['/coverage/binance:BTCUSDT:trades?from=5&to=4', 400, 'invalid_request', 'to'],
  ['/coverage/binance:BTCUSDT:trades', 404, 'not_found', undefined],
  ['/collections/No-Name/rows', 400, 'invalid_request', 'name'],
  [collection, 404, 'not_found', undefined],
  ['/models?limit=0', 400, 'invalid_request', 'limit'],
  ['/models?limit=1001', 400, 'invalid_request', 'limit'],
  [`/models?task=${'x'.repeat(65)}`, 400, 'invalid_request', 'task'],
  ['/models/none', 404, 'not_found', undefined],
  ['/graphs/none', 404, 'not_found', undefined],
];

describe('bad input of the reading API', () => {
  let stats: ServedStats;
  before(async () => {
    stats = await serveStats();
  });
  after(() => stats.close());

  for (const [path, status, code, field] of CASES) {
    it(`is ${code}${field === undefined ? '' : ` of ${field}`}: GET ${path.slice(0, 80)}`, async () => {
      const answer = await stats.get(path);

      assert.equal(answer.status, status, answer.text);
      assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
      const problem = answer.json<Problem>();
      assert.equal(problem.code, code);
      assert.deepEqual(
        problem.fields?.map((each) => each.path),
        field === undefined ? undefined : [field],
      );
      if (field !== undefined) assert.ok(problem.fields?.[0]?.allowed, 'it says what is allowed');
    });
  }

  it('names every bad field of a query at once', async () => {
    const answer = await stats.get(`${rows}?limit=0&format=xml&from=x`);

    assert.deepEqual(
      answer
        .json<Problem>()
        .fields?.map(({ path }) => path)
        .sort(),
      ['format', 'from', 'limit'],
    );
  });
});
