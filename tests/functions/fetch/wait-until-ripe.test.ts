import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sendShard } from '../../../functions/fetch/send-shard.ts';
import { waitUntilRipe } from '../../../functions/fetch/wait-until-ripe.ts';
import { fetchShard } from '../../../shared/events/fetch-shard.ts';
import { shardCompleted } from '../../../shared/events/shard-completed.ts';
import type { CallOptions, Exchange, HistoryPage, HistorySummary } from '../../../shared/exchanges/exchange.ts';
import { createTestContext, type TestContext } from '../../support/context.ts';
import { AUGUST, anOrder, HOUR, QUEUE_ID } from './open-fetch.ts';

const MINUTE = 60_000;
/** The exchange's clock is an hour behind ours. */
const BEHIND_MS = 3_600_000;
const SERIES = 'binance:BTCUSDT:candles:1m';
const shard = { series: SERIES, try: 2 };
const call = () => ({ signal: new AbortController().signal });
const exchangeOf = ({ clock }: Pick<TestContext<unknown>, 'clock'>): Pick<Exchange, 'time'> => ({
  time: async () => clock.now() - BEHIND_MS,
});

test('the wait is over when the exchange says the time, whatever our clock says', async () => {
  const context = createTestContext();
  let isOver = false;

  const waiting = waitUntilRipe(shard, context.clock.now() - BEHIND_MS + 3 * MINUTE, exchangeOf(context), call(), context).then(() => {
    isOver = true;
  });
  await context.clock.advance(3 * MINUTE - 1);
  const before = isOver;
  await context.clock.advance(1);
  await waiting;

  assert.deepEqual([before, isOver], [false, true]);
});

test('a clock of the exchange that is set forward ends the wait at the next look', async () => {
  const context = createTestContext();
  let setForwardMs = 0;
  const exchange = { time: async () => context.clock.now() + setForwardMs };

  const waiting = waitUntilRipe(shard, context.clock.now() + 4 * MINUTE, exchange, call(), context);
  await context.clock.advance(1);
  setForwardMs = 4 * MINUTE;
  await context.clock.advance(10_000);

  await waiting;
});

test('an exchange whose clock stands still is waited for five minutes and no longer', async () => {
  const context = createTestContext();
  const now = context.clock.now();

  const waiting = waitUntilRipe(shard, now + MINUTE, { time: async () => now }, call(), context);
  await context.clock.advance(5 * MINUTE);

  await waiting;
});

test('the wait ends with its signal', async () => {
  const context = createTestContext();
  const stopped = new AbortController();
  const ripeAt = context.clock.now() + MINUTE;
  const waiting = assert.rejects(waitUntilRipe(shard, ripeAt, exchangeOf(context), { signal: stopped.signal }, context), /stopped/);
  await context.clock.advance(0);

  stopped.abort(new Error('stopped'));

  await waiting;
});

/** An exchange with a hole at the end of the shard; the row behind it, beyond the shard, is two minutes old. */
function youngHole(): { readonly context: TestContext<unknown>; readonly reads: () => number } {
  let reads = 0;
  const from = AUGUST;
  const exchange = {
    time: async () => context.clock.now(),
    async *readHistory(_request: unknown, { onTooYoung }: CallOptions): AsyncGenerator<HistoryPage, HistorySummary, undefined> {
      reads += 1;
      const isRipe = context.clock.now() >= ripeAt;
      if (!isRipe) onTooYoung?.(ripeAt);
      yield* [];
      const evidence = { method: 'two empty reads', grade: 'two-reads', asked_at: [from, from] } as const;
      const absent = isRipe ? [{ from, to: from + HOUR, kind: 'exchange-has-none', evidence } as const] : [];
      return { row_count: 0, refused: [], unavailable: [], absent };
    },
  };
  const context = createTestContext({ ports: { exchange: () => exchange as unknown as Exchange } });
  const ripeAt = context.clock.now() + 3 * MINUTE;
  return { context, reads: () => reads };
}

const reading = () => ({ ...call(), beforeRequest: async () => undefined, onBehalfOf: QUEUE_ID });
const markers = ({ published }: TestContext<unknown>) => published.map((event) => shardCompleted.parse(event));

test('a hole whose right neighbour is too young makes the first try short at once', async () => {
  const { context, reads } = youngHole();
  const order = anOrder(SERIES, AUGUST, AUGUST + HOUR);

  await sendShard(order, fetchShard.parse(order.event), reading(), context);

  assert.deepEqual([reads(), markers(context).map(({ absent }) => absent.length)], [1, [0]]);
});

test('a further try waits until the neighbour is old enough, wherever it stands, and judges the hole then', async () => {
  const { context, reads } = youngHole();
  const order = anOrder(SERIES, AUGUST, AUGUST + HOUR, { try: 2 });

  const sending = sendShard(order, fetchShard.parse(order.event), reading(), context);
  await context.clock.advance(3 * MINUTE - 1);
  const early = markers(context).length;
  await context.clock.advance(1);
  await sending;

  assert.deepEqual([early, reads(), markers(context).map(({ absent }) => absent.length)], [0, 2, [1]]);
});
