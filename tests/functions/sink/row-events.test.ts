import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { handleBatch } from '../../../functions/sink/handle.ts';
import type { OutgoingRecord } from '../../../shared/bus/bus.ts';
import { readDeadLetters } from '../../../shared/bus/dead-letter.ts';
import { openEmbeddedBus } from '../../../shared/bus/embedded/embedded-bus.ts';
import type { AppError } from '../../../shared/domain/errors.ts';
import type { AggTrade, Row } from '../../../shared/domain/rows.ts';
import { parseSeriesId, type Series, seriesId } from '../../../shared/domain/series.ts';
import type { StreamEvent } from '../../../shared/events/event.ts';
import { fromRecordLater, toRecord } from '../../../shared/events/kafka-codec.ts';
import { packRows } from '../../../shared/events/micro-batch.ts';
import { TOPICS } from '../../../shared/events/topics.ts';
import type { EventOutcome, ReceivedEvent } from '../../../shared/runtime/define-function.ts';
import type { MarketStore } from '../../../shared/store/market-store.ts';
import { openSqliteStore } from '../../../shared/store/sqlite/open-sqlite-store.ts';
import { createTestContext, type TestContext } from '../../support/context.ts';

const TOPIC = 'market.agg-trades.history';
const GROUP = 'sink-history';
const FROM = Date.UTC(2024, 7, 1);
const aTrade = (id: number, over: Partial<AggTrade> = {}): AggTrade => ({
  ...{ id, first_trade_id: id, last_trade_id: id, time: FROM + id, price: 10, quantity: 1, side: 'buy', ...over },
});
const tradesOf = (count: number): AggTrade[] => Array.from({ length: count }, (_, id) => aTrade(id));

describe('sink, of rows that came over the bus', () => {
  let dir: string;
  let bus: Awaited<ReturnType<typeof openEmbeddedBus>>;
  let store: Awaited<ReturnType<typeof openSqliteStore>>;
  let symbols = 0;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'streamforge-sink-rows-'));
    bus = await openEmbeddedBus({ dir });
    await bus.admin.ensureTopics(TOPICS);
    store = await openSqliteStore({ dir });
  });
  after(async () => {
    await bus.close();
    await store.close();
    await rm(dir, { recursive: true, force: true });
  });

  /** A store that tells which upserts it was asked for. */
  const watched = (calls: string[]): MarketStore =>
    new Proxy(store.market, {
      get(target, name) {
        if (String(name).startsWith('upsert')) calls.push(String(name));
        return Reflect.get(target, name).bind(target) as unknown;
      },
    });
  const fresh = (): Series => {
    symbols += 1;
    return parseSeriesId(`binance:T${symbols}USDT:agg-trades`);
  };
  /** A record whose rows are these, good or not: no sender would build the others. */
  const recordOf = (series: Series, rows: readonly unknown[]): OutgoingRecord => {
    const [event] = packRows(series, [aTrade(0)], { origin: 'rest', received_at: FROM }, { producer: 'fetch' }) as [StreamEvent];
    return { ...toRecord(event, TOPIC), value: Buffer.from(JSON.stringify({ ...(event.data as object), rows })) };
  };

  /** Publishes the record, reads it back and hands it to sink. */
  async function deliver(record: OutgoingRecord): Promise<{ outcome: EventOutcome; calls: string[]; context: TestContext<unknown> }> {
    const calls: string[] = [];
    const context = createTestContext({ functionName: 'sink', ports: { bus, market: watched(calls), workflows: store.workflows } });
    const [place] = await bus.publish([record]);
    assert.ok(place !== undefined);
    const received: ReceivedEvent[] = [];
    const { partition, offset } = place;
    for await (const records of bus.read({ topic: TOPIC, partitions: [partition], from: { [partition]: offset }, untilEnd: true })) {
      received.push(...records.map((read) => ({ event: fromRecordLater(read), position: read, group: GROUP })));
    }
    const outcomes = await handleBatch(received, context);
    assert.equal(outcomes.length, 1);
    return { outcome: outcomes[0] as EventOutcome, calls, context };
  }

  async function stored(series: Series): Promise<Row[]> {
    const rows: Row[] = [];
    for await (const page of store.market.readRows(series)) rows.push(...page);
    return rows;
  }

  /** The dead letters of a series: place, code, and the rows that a replay of each would hand over. */
  async function lettersOf(series: Series): Promise<unknown[]> {
    const letters: unknown[] = [];
    for await (const { row, code, group, record } of readDeadLetters(bus, TOPIC)) {
      if (record.key !== seriesId(series)) continue;
      const { rows } = JSON.parse(Buffer.from(record.value ?? []).toString()) as { readonly rows: unknown };
      letters.push([row, code, group, rows]);
    }
    return letters;
  }

  const writtenOf = ({ measured }: TestContext<unknown>): number =>
    measured.filter(({ name }) => name === 'streamforge_rows_written_total').reduce((sum, { by }) => sum + by, 0);

  it('hands good rows to the store as they came, and counts what was written', async () => {
    const series = fresh();

    const first = await deliver(recordOf(series, tradesOf(1_000)));
    const again = await deliver(recordOf(series, tradesOf(1_000)));

    assert.deepEqual([first.outcome, again.outcome], [{ ok: true }, { ok: true }]);
    assert.deepEqual([first.calls, again.calls], [['upsertText'], ['upsertText']]);
    assert.deepEqual([writtenOf(first.context), writtenOf(again.context)], [1_000, 0]);
    assert.deepEqual(await stored(series), tradesOf(1_000));
    assert.deepEqual(await lettersOf(series), []);
  });

  for (const [what, bad] of [
    ['fails its check', aTrade(2, { price: -1 })],
    ['lacks a field', { id: 2, time: FROM }],
    ['is no object', null],
  ] as const) {
    it(`dead-letters a row alone that ${what}, with its place, and writes the others`, async () => {
      const series = fresh();

      const { outcome, context } = await deliver(recordOf(series, [aTrade(0), aTrade(1), bad, aTrade(3)]));

      assert.deepEqual(outcome, { ok: true });
      assert.deepEqual(await stored(series), [aTrade(0), aTrade(1), aTrade(3)]);
      assert.deepEqual(await lettersOf(series), [[2, 'row_refused', GROUP, [bad]]]);
      assert.equal(writtenOf(context), 3);
    });
  }

  it('writes good rows whose text is laid out in another way', async () => {
    const series = fresh();
    const record = recordOf(series, tradesOf(3));
    const spaced = Buffer.from(JSON.stringify(JSON.parse(Buffer.from(record.value ?? []).toString()), null, 2));

    const { outcome, calls } = await deliver({ ...record, value: spaced });

    assert.deepEqual([outcome, calls.at(-1)], [{ ok: true }, 'upsertRows']);
    assert.deepEqual(await stored(series), tradesOf(3));
  });

  it('dead-letters a trade with another content at its place in the event, the first is kept', async () => {
    const series = fresh();
    await deliver(recordOf(series, tradesOf(4)));

    const { outcome, calls, context } = await deliver(recordOf(series, [aTrade(9), aTrade(1), aTrade(2, { price: 99 }), aTrade(10)]));

    assert.deepEqual([outcome, calls], [{ ok: true }, ['upsertText']]);
    assert.deepEqual(await lettersOf(series), [[2, 'row_conflict', GROUP, [aTrade(2, { price: 99 })]]]);
    assert.deepEqual(await stored(series), [...tradesOf(4), aTrade(9), aTrade(10)]);
    assert.equal(writtenOf(context), 2);
  });

  it('names the place in the event of a conflict also where refused rows stand before it and between', async () => {
    const series = fresh();
    await deliver(recordOf(series, tradesOf(5)));
    const bad = (id: number): AggTrade => aTrade(id, { quantity: 0 });
    const rows = [bad(20), aTrade(0), bad(21), bad(22), aTrade(1, { price: 98 }), aTrade(9), bad(23), aTrade(4, { side: 'sell' })];

    const { outcome } = await deliver(recordOf(series, rows));

    assert.deepEqual(outcome, { ok: true });
    const expected = [
      ...[0, 2, 3, 6].map((place) => [place, 'row_refused', GROUP, [rows[place]]]),
      ...[4, 7].map((place) => [place, 'row_conflict', GROUP, [rows[place]]]),
    ];
    assert.deepEqual(await lettersOf(series), expected);
    const documents = await store.workflows.listDeadLetters({ topic: TOPIC });
    assert.deepEqual(
      documents
        .filter(({ cause, code }) => code === 'row_conflict' && cause.includes(seriesId(series)))
        .map(({ row }) => row)
        .sort(),
      [4, 7],
    );
    assert.deepEqual(await stored(series), [...tradesOf(5), aTrade(9)]);
  });

  for (const [what, rows] of [
    ['1,001 rows', tradesOf(1_001)],
    ['no row', []],
  ] as const) {
    it(`refuses an event of ${what} as a whole with contract_mismatch, and writes nothing of it`, async () => {
      const series = fresh();

      const { outcome } = await deliver(recordOf(series, rows));

      assert.equal(!outcome.ok && (outcome.error as AppError).code, 'contract_mismatch');
      assert.equal(await store.market.describeSeries(series), undefined);
      assert.deepEqual(await lettersOf(series), []);
    });
  }

  for (const [what, value, code] of [
    ['an envelope that is wrong', '{"exchange":"nowhere","symbol":"X","origin":"rest","received_at":1,"rows":[{}]}', 'contract_mismatch'],
    ['bytes that are no JSON', '{"exchange":"binance","rows":[{', 'unparsable_event'],
    ['rows that are no JSON', '{"exchange":"binance","symbol":"X","origin":"rest","received_at":1,"rows":[{]}', 'unparsable_event'],
  ] as const) {
    it(`refuses ${what} with ${code}`, async () => {
      const { outcome } = await deliver({ ...recordOf(fresh(), []), value: Buffer.from(value) });

      assert.equal(!outcome.ok && (outcome.error as AppError).code, code);
    });
  }
});
