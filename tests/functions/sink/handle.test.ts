import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { handleBatch } from '../../../functions/sink/handle.ts';
import { readDeadLetters } from '../../../shared/bus/dead-letter.ts';
import { openEmbeddedBus } from '../../../shared/bus/embedded/embedded-bus.ts';
import { AppError } from '../../../shared/domain/errors.ts';
import { coverageOf } from '../../../shared/domain/ledger.ts';
import type { AggTrade, Candle, Row } from '../../../shared/domain/rows.ts';
import { parseSeriesId, type Series } from '../../../shared/domain/series.ts';
import { coverageAdvanced } from '../../../shared/events/coverage-advanced.ts';
import type { StreamEvent } from '../../../shared/events/event.ts';
import { gapDetected } from '../../../shared/events/gap-detected.ts';
import { packRows } from '../../../shared/events/micro-batch.ts';
import { type ShardCompleted, shardCompleted } from '../../../shared/events/shard-completed.ts';
import type { ShardVerified } from '../../../shared/events/shard-verified.ts';
import { TOPICS } from '../../../shared/events/topics.ts';
import type { ReceivedEvent } from '../../../shared/runtime/define-function.ts';
import { openSqliteStore } from '../../../shared/store/sqlite/open-sqlite-store.ts';
import { createTestContext, type TestContext } from '../../support/context.ts';

const FROM = Date.UTC(2024, 7, 1);
const STEP = 300_000;
const QUEUE_ID = 'wf-btcusdt-api_candles_5m-20240801-a1b2c3';
const aCandle = (index: number, over: Partial<Candle> = {}): Candle => ({
  open_time: FROM + index * STEP,
  close_time: FROM + (index + 1) * STEP - 1,
  open: 10,
  high: 12,
  low: 9,
  close: 11,
  volume: 5,
  trade_count: 3,
  is_closed: true,
  ...over,
});
const aTrade = (id: number, over: Partial<AggTrade> = {}): AggTrade => ({
  id,
  first_trade_id: id,
  last_trade_id: id,
  time: FROM + id,
  price: 10,
  quantity: 1,
  side: 'buy',
  ...over,
});

describe('sink', () => {
  let dir: string;
  let bus: Awaited<ReturnType<typeof openEmbeddedBus>>;
  let store: Awaited<ReturnType<typeof openSqliteStore>>;
  let symbols = 0;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'streamforge-sink-'));
    bus = await openEmbeddedBus({ dir });
    await bus.admin.ensureTopics(TOPICS);
    store = await openSqliteStore({ dir });
  });
  after(async () => {
    await bus.close();
    await store.close();
    await rm(dir, { recursive: true, force: true });
  });

  const aContext = (over: object = {}): TestContext<unknown> =>
    createTestContext({ functionName: 'sink', ports: { bus, market: store.market, workflows: store.workflows, ...over } });
  const fresh = (kind: string): Series => {
    symbols += 1;
    return parseSeriesId(`binance:T${symbols}USDT:${kind}`);
  };
  const rowsEvent = (series: Series, rows: readonly Row[]): StreamEvent =>
    packRows(series, rows, { origin: 'rest', received_at: FROM }, { producer: 'fetch' })[0] as StreamEvent;
  const marker = (series: string, over: Partial<ShardCompleted> = {}): StreamEvent =>
    shardCompleted.build(
      {
        queue_id: QUEUE_ID,
        attempt: 1,
        shard: `${series}:${FROM}-${FROM + 3 * STEP}`,
        try: 1,
        series,
        from: FROM,
        to: FROM + 3 * STEP,
        row_count: 3,
        refused: [],
        unavailable: [],
        absent: [],
        ...over,
      },
      { producer: 'fetch', time: FROM },
    );
  const received = (...events: readonly StreamEvent[]): ReceivedEvent[] =>
    events.map((event, offset) => ({ event, position: { topic: 'market.candles.history', partition: 0, offset }, group: 'sink-history' }));
  const verdictsOf = (context: TestContext<unknown>): ShardVerified[] => context.published.map((event) => event.data as ShardVerified);
  const id = (series: Series): string =>
    [series.exchange, series.symbol, series.kind, ...(series.interval === undefined ? [] : [series.interval])].join(':');

  it('writes rows, proves the marker behind them in the same batch, keeps the ledger and says persisted', async () => {
    const series = fresh('candles:5m');
    const context = aContext();

    const outcomes = await handleBatch(
      received(rowsEvent(series, [aCandle(2), aCandle(0)]), rowsEvent(series, [aCandle(1)]), marker(id(series))),
      context,
    );

    assert.deepEqual(outcomes, [{ ok: true }, { ok: true }, { ok: true }]);
    assert.deepEqual(
      verdictsOf(context).map(({ verdict, counted, missing }) => ({ verdict, counted, missing })),
      [{ verdict: 'persisted', counted: 3, missing: [] }],
    );
    assert.equal(coverageOf(series, await store.market.readLedger(series), FROM, FROM + 3 * STEP).complete, true);
    assert.ok(context.measured.some(({ name, by }) => name === 'streamforge_rows_written_total' && by === 2));
  });

  it('case 51: the same batch again changes nothing and says the same with the same id', async () => {
    const series = fresh('candles:5m');
    const batch = received(rowsEvent(series, [aCandle(0), aCandle(1), aCandle(2)]), marker(id(series)));
    const first = aContext();
    const again = aContext();

    await handleBatch(batch, first);
    await handleBatch(batch, again);

    assert.equal(await store.market.countRows(series), 3);
    assert.deepEqual(
      again.published.map((event) => event.id),
      first.published.map((event) => event.id),
    );
    assert.ok(!again.measured.some(({ name }) => name === 'streamforge_rows_written_total'));
  });

  it('case 63: a verdict comes from stored rows, not from what the fetcher says it sent', async () => {
    const series = fresh('candles:5m');
    const context = aContext();

    await handleBatch(received(rowsEvent(series, [aCandle(0), aCandle(2)]), marker(id(series), { row_count: 3 })), context);

    assert.deepEqual(
      verdictsOf(context).map(({ verdict, missing }) => ({ verdict, missing })),
      [{ verdict: 'short', missing: [{ from: FROM + STEP, to: FROM + 2 * STEP }] }],
    );
    assert.equal(coverageOf(series, await store.market.readLedger(series), FROM, FROM + 3 * STEP).complete, false);
  });

  it('case 55: while the store is away nothing is judged and nothing is said, and a marker does not overtake its rows', async () => {
    const series = fresh('candles:5m');
    const away = { ...store.market, upsertRows: async () => Promise.reject(new AppError('store_unavailable', 'away')) };
    const context = aContext({
      market: new Proxy(store.market, {
        get: (target, name) => (name === 'upsertRows' ? away.upsertRows : Reflect.get(target, name).bind(target)),
      }),
    });

    const outcomes = await handleBatch(received(rowsEvent(series, [aCandle(0), aCandle(1), aCandle(2)]), marker(id(series))), context);

    assert.deepEqual(
      outcomes.map((outcome) => (outcome.ok ? 'ok' : (outcome.error as AppError).code)),
      ['store_unavailable', 'store_unavailable'],
    );
    assert.deepEqual(context.published, []);
    assert.deepEqual(await store.market.readLedger(series), []);
  });

  it('a verdict that cannot be sent leaves its marker unhandled', async () => {
    const series = fresh('candles:5m');
    const context = createTestContext({
      functionName: 'sink',
      ports: { bus, market: store.market, workflows: store.workflows },
      publisher: { publish: async () => Promise.reject(new AppError('bus_unavailable', 'away')) },
    });

    const outcomes = await handleBatch(received(rowsEvent(series, [aCandle(0), aCandle(1), aCandle(2)]), marker(id(series))), context);

    assert.deepEqual(
      outcomes.map((outcome) => (outcome.ok ? 'ok' : (outcome.error as AppError).code)),
      ['ok', 'bus_unavailable'],
    );
  });

  it('a row that fails its checks is dead-lettered alone with its index; the others are written', async () => {
    const series = fresh('candles:5m');
    const context = aContext();
    const event = rowsEvent(series, [aCandle(0), aCandle(1), aCandle(2)]);
    const broken = { ...event, data: { ...(event.data as object), rows: [aCandle(0), aCandle(1, { high: 1 }), aCandle(2)] } };

    const outcomes = await handleBatch(received(broken), context);

    assert.deepEqual(outcomes, [{ ok: true }]);
    assert.equal(await store.market.countRows(series), 2);
    const letters = [];
    for await (const letter of readDeadLetters(bus, 'market.candles.history')) if (letter.record.key === id(series)) letters.push(letter);
    assert.deepEqual(
      letters.map(({ code, row, group }) => ({ code, row, group })),
      [{ code: 'row_refused', row: 1, group: 'sink-history' }],
    );
  });

  it('a trade that is stored with another content is a conflict: the first is kept, the other dead-lettered', async () => {
    const series = fresh('agg-trades');
    const context = aContext();

    await handleBatch(received(rowsEvent(series, [aTrade(1), aTrade(2)])), context);
    const outcomes = await handleBatch(received(rowsEvent(series, [aTrade(1), aTrade(2, { price: 99 })])), context);

    assert.deepEqual(outcomes, [{ ok: true }]);
    const stored = [];
    for await (const page of store.market.readRows(series)) stored.push(...(page as readonly AggTrade[]));
    assert.deepEqual(
      stored.map(({ price }) => price),
      [10, 10],
    );
    const letters = await store.workflows.listDeadLetters({ topic: 'market.candles.history' });
    assert.ok(letters.some(({ code, row }) => code === 'row_conflict' && row === 1));
  });

  it('what the present says of itself is proven like a shard; a hint changes nothing', async () => {
    const series = fresh('agg-trades');
    const context = aContext();
    const advanced = coverageAdvanced.build(
      { series: id(series), from: FROM, to: FROM + 10, from_id: 1, to_id: 3, row_count: 3 },
      { producer: 'ingest', time: FROM },
    );
    const gap = gapDetected.build(
      { series: id(series), from: FROM, to: FROM + 10, cause: 'reconnect' },
      { producer: 'ingest', time: FROM },
    );

    const outcomes = await handleBatch(received(rowsEvent(series, [aTrade(1), aTrade(3)]), advanced, gap), context);

    assert.deepEqual(outcomes, [{ ok: true }, { ok: true }, { ok: true }]);
    assert.deepEqual(context.published, []);
    const coverage = coverageOf(series, await store.market.readLedger(series), FROM, FROM + 10);
    assert.deepEqual(coverage.holes.map(({ kind, from_id, to_id }) => ({ kind, from_id, to_id }))[0], {
      kind: 'missing',
      from_id: 2,
      to_id: 2,
    });
  });
});
