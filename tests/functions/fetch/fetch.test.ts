import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { handle } from '../../../functions/fetch/handle.ts';
import { joinRefused } from '../../../functions/fetch/send-shard.ts';
import { type DeadLetter, readDeadLetters } from '../../../shared/bus/dead-letter.ts';
import { rowKey } from '../../../shared/domain/row-key.ts';
import type { Row } from '../../../shared/domain/rows.ts';
import { parseSeriesId } from '../../../shared/domain/series.ts';
import { shardClaimKey } from '../../../shared/domain/workflow/claim-keys.ts';
import { fetchShard } from '../../../shared/events/fetch-shard.ts';
import { fromRecord } from '../../../shared/events/kafka-codec.ts';
import { type ShardCompleted, shardCompleted } from '../../../shared/events/shard-completed.ts';
import { fetchTopic, QUEUE_EVENTS } from '../../../shared/events/topics.ts';
import { seededRandom } from '../../../shared/runtime/random.ts';
import { SharedBudget } from '../../../shared/runtime/shared-budget.ts';
import { systemClock } from '../../../shared/runtime/system-clock.ts';
import { createMemoryBudget } from '../../support/memory-budget.ts';
import { assertSameRows } from '../../support/truth.ts';
import { AUGUST, anOrder, HOUR, openFetch, QUEUE_ID, type Sent } from './open-fetch.ts';

const CANDLES = 'binance:BTCUSDT:candles:5m';
const AGG_TRADES = 'binance:BTCUSDT:agg-trades';
const isMarker = ({ event }: Sent): boolean => event.type === shardCompleted.type;

/** The marker at the end of what was sent. */
function markerOf(sent: readonly Sent[]): ShardCompleted {
  const last = sent.at(-1);
  assert.ok(last !== undefined && isMarker(last));
  return shardCompleted.parse(last.event);
}

function rowsOf(series: string, sent: readonly Sent[]): Map<string, Row> {
  const parsed = parseSeriesId(series);
  return new Map(sent.flatMap(({ event }) => (event.data as { rows?: Row[] }).rows ?? []).map((row) => [rowKey(parsed, row), row]));
}

for (const [series, topic] of [
  [CANDLES, 'market.candles.history'],
  [AGG_TRADES, 'market.agg-trades.history'],
  ['binance:BTCUSDT:trades', 'market.trades.history'],
] as const) {
  test(`case 62: all rows of ${series} are sent, then the marker, on the same topic and key`, async (t) => {
    const bench = await openFetch(t);
    await bench.setWorkflow({ status: 'loading' });
    const [from, to] = [AUGUST, AUGUST + 6 * HOUR];

    await handle(anOrder(series, from, to), bench.context);

    const sent = await bench.sent(topic);
    const truth = new Map((await bench.simulator.truth<Row>(series, { from, to })).map((row) => [rowKey(parseSeriesId(series), row), row]));
    assertSameRows(rowsOf(series, sent), truth, series);
    assert.deepEqual(sent.map(isMarker), [...sent.slice(1).map(() => false), true]);
    assert.ok(
      sent.every(
        ({ event, record }) => record.key === series && record.partition === sent[0]?.record.partition && event.queueid === QUEUE_ID,
      ),
    );
    const { row_count, absent, refused, unavailable } = markerOf(sent);
    assert.deepEqual({ row_count, absent, refused, unavailable }, { row_count: truth.size, absent: [], refused: [], unavailable: [] });
    const counted = bench.measured.filter(({ name }) => name === 'streamforge_rows_fetched_total').reduce((sum, { by }) => sum + by, 0);
    assert.equal(counted, truth.size);
  });
}

test('what a shard asks of the exchange is counted for its workflow', async (t) => {
  const store = createMemoryBudget();
  const parts = { clock: systemClock, random: seededRandom(1), limit: 6_000 };
  const bench = await openFetch(t, {}, { budget: new SharedBudget({ exchange: 'binance', workflows: store, ...parts }) });
  await bench.setWorkflow({ status: 'loading' });

  await handle(anOrder(CANDLES, AUGUST, AUGUST + HOUR), bench.context);

  assert.ok(Object.hasOwn(store.stored?.workflows ?? {}, QUEUE_ID));
});

test('a marker of rows with ids names the first and the last; a second try reads exactly its ids under the same shard', async (t) => {
  const bench = await openFetch(t);
  await bench.setWorkflow({});
  const first = anOrder(AGG_TRADES, AUGUST, AUGUST + HOUR);
  await handle(first, bench.context);
  const [marker] = (await bench.sent('market.agg-trades.history')).filter(isMarker);
  const { first_id = 0, last_id = 0, shard } = markerOf(marker === undefined ? [] : [marker]);

  await handle(
    anOrder(AGG_TRADES, AUGUST + 1, AUGUST + HOUR, { shard, try: 2, from_id: first_id + 5, to_id: first_id + 9 }),
    bench.context,
  );

  const sent = await bench.sent('market.agg-trades.history');
  const again = sent.slice(sent.findIndex(isMarker) + 1);
  assert.ok(last_id > first_id);
  assert.deepEqual(
    [...rowsOf(AGG_TRADES, again).keys()],
    [5, 6, 7, 8, 9].map((step) => String(first_id + step)),
  );
  const { try: tries, first_id: from_id, last_id: to_id, shard: same } = markerOf(again);
  assert.deepEqual([tries, from_id, to_id, same], [2, first_id + 5, first_id + 9, shard]);
});

test('case 22: a row that fails its checks is dead-lettered alone, with index and origin, and its command alone can be replayed', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sf-fetch-'));
  t.after(() => rm(folder, { recursive: true }));
  const line = (id: number): string =>
    `${id},${id === 2 ? '60000.123456789012' : '60000.00000000'},0.01000000,600.00000000,${AUGUST + id * 1_000},True,True`;
  await writeFile(join(folder, 'BTCUSDT-trades-2024-08-01.csv'), [1, 2, 3].map(line).join('\n'));
  const bench = await openFetch(t, { recording: folder, now: AUGUST + 2 * HOUR });
  await bench.setWorkflow({});
  const series = 'binance:BTCUSDT:trades';

  await handle(anOrder(series, AUGUST, AUGUST + HOUR), bench.context);

  const sent = await bench.sent('market.trades.history');
  assert.deepEqual([...rowsOf(series, sent).keys()], ['1', '3']);
  const hole = { from: AUGUST + 2_000, to: AUGUST + 2_001, from_id: 2, to_id: 2, code: 'precision_lost' };
  assert.deepEqual(markerOf(sent).refused, [hole]);
  const letters: DeadLetter[] = [];
  for await (const letter of readDeadLetters(bench.bus, fetchTopic('binance'))) letters.push(letter);
  assert.deepEqual(
    letters.map(({ code, group, row, record }) => [code, group, row, record.topic, record.partition, record.offset]),
    [['precision_lost', 'fetch-binance', 1, fetchTopic('binance'), 3, 17]],
  );
  assert.match(letters[0]?.cause ?? '', /60000\.123456789012/);
  const replay = fetchShard.parse(fromRecord(letters[0]?.record as Sent['record']));
  assert.deepEqual([replay.from_id, replay.to_id, replay.shard], [2, 2, `${series}:${AUGUST + 2_000}-${AUGUST + 2_001}`]);
  assert.deepEqual(
    (await bench.workflows.listDeadLetters()).map(({ row, code, queue_id }) => [row, code, queue_id]),
    [[1, 'precision_lost', QUEUE_ID]],
  );
});

test('refused rows side by side are one range of the marker', () => {
  const row = (id: number, code: 'row_refused' | 'precision_lost' = 'row_refused') => ({
    from: id,
    to: id + 1,
    from_id: id,
    to_id: id,
    code,
  });

  assert.deepEqual(joinRefused([row(3), row(1), row(2), row(5), row(6, 'precision_lost')]), [
    { ...row(1), to: 4, to_id: 3 },
    row(5),
    row(6, 'precision_lost'),
  ]);
  assert.deepEqual(
    joinRefused([
      { from: 0, to: 5, code: 'row_refused' },
      { from: 5, to: 10, code: 'row_refused' },
      { from: 15, to: 20, code: 'row_refused' },
    ]),
    [
      { from: 0, to: 10, code: 'row_refused' },
      { from: 15, to: 20, code: 'row_refused' },
    ],
  );
});

test('an exchange that stays away leaves no marker behind and frees the shard for the next try', async (t) => {
  const bench = await openFetch(t, {}, { tries: 2 });
  await bench.setWorkflow({});
  await bench.simulator.addFaults({ on: 'rest', match: { path: '/klines' }, do: 'status', status: 502, times: 2 });
  const order = anOrder(CANDLES, AUGUST, AUGUST + HOUR);

  await assert.rejects(handle(order, bench.context), { code: 'exchange_unavailable' });
  assert.deepEqual((await bench.sent('market.candles.history')).filter(isMarker), []);
  await handle(order, bench.context);

  assert.equal((await bench.sent('market.candles.history')).filter(isMarker).length, 1);
});

test('a log that refuses a page in the middle of a shard ends it without a marker', async (t) => {
  const bench = await openFetch(t);
  await bench.setWorkflow({});
  let published = 0;
  const publisher = {
    async publish(events: readonly unknown[], options?: object) {
      if (++published === 3) throw new Error('the log is away');
      await bench.context.publisher.publish(events as never, options);
    },
  };

  await assert.rejects(handle(anOrder('binance:BTCUSDT:candles:1m', AUGUST, AUGUST + 60 * HOUR), { ...bench.context, publisher }), {
    message: 'the log is away',
  });

  const sent = await bench.sent('market.candles.history');
  assert.deepEqual(sent.map(isMarker), [false]);
});

test('case 19: an unknown symbol is the delivery’s to dead-letter, and leaves the shard free', async (t) => {
  const bench = await openFetch(t);
  await bench.setWorkflow({});
  const order = anOrder('binance:NOPEUSDT:candles:5m', AUGUST, AUGUST + HOUR);

  await assert.rejects(handle(order, bench.context), { code: 'unknown_symbol' });

  assert.equal(await bench.workflows.readClaim(shardClaimKey(order.event.data)), undefined);
});

test('loading is said once for an attempt, however many shards it has', async (t) => {
  const bench = await openFetch(t);
  await bench.setWorkflow({});

  await Promise.all([0, 1, 2, 3].map((day) => handle(anOrder(CANDLES, AUGUST + day * HOUR, AUGUST + (day + 1) * HOUR), bench.context)));

  const said = await bench.sent(QUEUE_EVENTS);
  assert.deepEqual(
    said.map(({ event }) => event.data),
    [
      {
        ...{
          queue_id: QUEUE_ID,
          attempt: 1,
          producer: 'loader-api-candles__a1b2c3',
          symbol: 'BTCUSDT',
          type: 'api_candles_5m',
          status: 'loading',
        },
        ...{ message: 'Loading from binance.', records_written: 0, finished: false, stage: 'load' },
        timestamp: Date.parse(said[0]?.event.time ?? '') / 1_000,
      },
    ],
  );
});

test('an order with a broken contract is permanent', async (t) => {
  const bench = await openFetch(t);
  const order = anOrder(CANDLES, AUGUST, AUGUST + HOUR);
  const broken = { ...order, event: { ...order.event, data: { ...order.event.data, try: 0 } } };

  await assert.rejects(handle(broken, bench.context), { code: 'contract_mismatch' });
});
