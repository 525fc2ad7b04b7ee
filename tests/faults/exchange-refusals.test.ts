import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { WorkflowView } from '../../shared/cli/workflow-client.ts';
import type { JournalEntry } from '../../shared/exchanges/simulator/journal.ts';
import { eventually } from '../support/eventually.ts';
import { assertServed, requestsOf, setExchangeClock } from '../support/served.ts';
import { assertComplete, assertSettled, busView, deadLettersOf, endsOf } from '../support/settled.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { assertTruth } from '../support/truth.ts';

const DAY = 86_400_000;
const series = (symbol: string): string => `binance:${symbol}:candles:1m`;

describe('an exchange that refuses us', () => {
  let stack: Stack;
  before(async () => {
    stack = await startStack();
  });
  after(() => stack.stop());

  /** Loads ten days of minutes, of which one request is refused; gives the refused request and those begun after its answer. */
  async function loadRefused(
    symbol: string,
    from: number,
    answer: Readonly<Record<string, unknown>>,
    meanwhile: (queueId: string) => Promise<void> = async () => undefined,
  ): Promise<{ refused: JournalEntry; later: readonly JournalEntry[]; view: WorkflowView }> {
    await stack.fault({ on: 'rest', match: { path: '/api/v3/klines', symbol, nth: 3 }, do: 'status', ...answer });
    const to = from + 10 * DAY;
    const time_range = `${new Date(from).toISOString()}/${new Date(to).toISOString()}`;
    const queueId = await stack.startWorkflow({ exchange: 'binance', symbol, type: 'api_candles_1m', time_range });
    const refused = await eventually(
      async () =>
        (await requestsOf(stack)).find(({ status, query }) => status === answer.status && query.symbol === symbol) ??
        assert.fail('not yet'),
      { deadlineMs: 30_000, what: 'the refusal' },
    );
    await meanwhile(queueId);
    const view = await stack.waitFor(queueId);

    assert.deepEqual([view.status, view.attempt], ['finished', 1]);
    const rows = await assertTruth(stack.host.url, stack.simulator.rest, [series(symbol)], from, to);
    assert.equal(view.stages[0]?.records_written, rows);
    await assertComplete(stack.client, [series(symbol)], from, to);
    await assertServed(stack);
    // What was on the wire already when the refusal came is not to be called back.
    const later = (await requestsOf(stack)).filter(({ started_at }) => started_at > (refused.ended_at ?? 0) + 900);
    assert.ok(later.length > 0);
    return { refused, later, view };
  }

  const firstAfter = ({ refused, later }: { readonly refused: JournalEntry; readonly later: readonly JournalEntry[] }): number =>
    Math.min(...later.map(({ started_at }) => started_at)) - (refused.ended_at ?? 0);

  test('case 8: a ban stops every request of the address; the workflow stays loading and goes on by itself', async () => {
    const answer = { status: 418, headers: { 'Retry-After': '2' }, body: { code: -1003, msg: 'Way too many requests; IP banned.' } };

    const run = await loadRefused('BTCUSDT', Date.UTC(2024, 6, 1), answer, async (queueId) => {
      const { status } = await stack.client.get<WorkflowView>(`/workflows/${queueId}`);
      assert.equal(status, 'loading');
    });

    assert.ok(firstAfter(run) >= 1_900, `${firstAfter(run)} ms after the ban`);
    assert.ok(
      stack.logs.some(
        ({ level, msg, message }) => (level === 'error' || level === 50) && /refuses this address/.test(String(msg ?? message)),
      ),
      'the ban is said aloud',
    );
  });

  test('case 9: a 403 with a page of HTML freezes and alarms, and nobody reads it as JSON', async () => {
    const before = stack.logs.length;
    const answer = {
      status: 403,
      headers: { 'content-type': 'text/html', 'Retry-After': '2' },
      body: '<html><body>Forbidden</body></html>',
    };

    const run = await loadRefused('ETHUSDT', Date.UTC(2024, 6, 1), answer);

    assert.ok(firstAfter(run) >= 1_900, `${firstAfter(run)} ms after the refusal`);
    const lines = JSON.stringify(stack.logs.slice(before));
    assert.match(lines, /refuses this address/);
    assert.doesNotMatch(lines, /SyntaxError|Unexpected token/);
  });

  test('case 7: a 429 whose Retry-After cannot be read is waited out to the full minute of the exchange', async () => {
    const edge = Date.UTC(2027, 0, 2, 0, 1);
    await setExchangeClock(stack, { now: edge - 6_000 });
    const answer = { status: 429, headers: { 'Retry-After': 'soon' }, body: { code: -1003, msg: 'Too many requests.' } };
    const setAt = Date.now();

    const run = await loadRefused('SOLUSDT', Date.UTC(2024, 6, 1), answer);

    const refusedAt = edge - 6_000 + (run.refused.ended_at ?? 0) - setAt;
    const minute = Math.ceil(refusedAt / 60_000) * 60_000;
    assert.ok(firstAfter(run) >= minute - refusedAt, `${firstAfter(run)} ms after the refusal, ${minute - refusedAt} ms before the minute`);
  });

  test('leaves no lag and no dead letter', () => assertSettled(stack.client));
});

describe('case 19', () => {
  let stack: Stack;
  before(async () => {
    stack = await startStack();
  });
  after(() => stack.stop());

  for (const [what, change, code, path] of [
    ['an interval that does not exist', { type: 'api_candles_7m' }, 'invalid_request', 'type'],
    ['a symbol that nobody knows', { symbol: 'NOPEUSDT' }, 'unknown_symbol', 'symbol'],
    ['a symbol that cannot be one', { symbol: 'BTC/USDT' }, 'unsupported_symbol', 'symbol'],
  ] as const) {
    test(`case 19: ${what} is refused with 400 by its name, and nothing is written`, async () => {
      const before = endsOf(await busView(stack.client));
      const body = { exchange: 'binance', symbol: 'BTCUSDT', type: 'api_candles_1m', time_range: '2024-08-01:2024-08-01', ...change };

      const response = await fetch(`${stack.host.url}/workflows`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });

      const problem = (await response.json()) as { code: string; errors?: { path: string }[]; fields?: { path: string }[] };
      assert.deepEqual([response.status, problem.code], [400, code]);
      const fields = problem.errors ?? problem.fields ?? [];
      assert.ok(
        fields.some((field) => field.path.includes(path)),
        JSON.stringify(problem),
      );
      assert.deepEqual(endsOf(await busView(stack.client)), before);
      assert.deepEqual((await stack.client.get<{ items: unknown[] }>('/workflows')).items, []);
    });
  }

  test('case 19: a symbol that the exchange forgets in the middle ends the workflow in error with its name, after one try', async () => {
    await stack.fault({
      on: 'rest',
      match: { path: '/api/v3/klines', symbol: 'BNBUSDT', nth: 3 },
      times: 1_000,
      do: 'status',
      status: 400,
      body: { code: -1121, msg: 'Invalid symbol.' },
    });
    const asked = async (): Promise<number> => (await requestsOf(stack)).filter(({ status }) => status === 400).length;

    const view = await stack.runWorkflow({
      exchange: 'binance',
      symbol: 'BNBUSDT',
      type: 'api_candles_1m',
      time_range: '2024-07-01:2024-07-03',
    });

    assert.deepEqual([view.status, view.error?.code], ['error', 'unknown_symbol']);
    assert.match(view.error?.message ?? '', /BNBUSDT/);
    const letters = await eventually(
      async () => {
        const now = await busView(stack.client);
        assert.ok(now.lags.every(({ lag }) => lag === 0));
        return deadLettersOf(now);
      },
      { what: 'every shard has ended' },
    );
    assert.deepEqual(Object.keys(letters), ['queue-control.fetch.binance.dlq']);
    const tries = await asked();
    assert.equal(letters['queue-control.fetch.binance.dlq'], tries, 'each shard was tried once');
  });
});
