import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { BusRecord, OutgoingRecord } from '../../../shared/bus/bus.ts';
import type { Candle } from '../../../shared/domain/rows.ts';
import { parseSeriesId } from '../../../shared/domain/series.ts';
import { toRecord } from '../../../shared/events/kafka-codec.ts';
import { packRows } from '../../../shared/events/micro-batch.ts';
import { shardCompleted } from '../../../shared/events/shard-completed.ts';
import { HISTORY_TOPICS, QUEUE_EVENTS } from '../../../shared/events/topics.ts';
import { eventually } from '../../support/eventually.ts';
import { asSuperUser } from '../../support/kafka/access.ts';
import { type KafkaStack, startKafkaStack } from '../../support/kafka/kafka-stack.ts';
import { aLoad, assertLoaded, assertRead, underWay } from '../../support/kafka/load.ts';
import { withoutBrokers } from '../../support/kafka/shared-broker.ts';
import { createTurnstile } from '../../support/kafka/turnstile.ts';
import { busView } from '../../support/settled.ts';
import { assertTruth, storedRows } from '../../support/truth.ts';

const MINUTE = 60_000;
const LONG_MS = 60_000;
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  'sink-history': HISTORY_TOPICS,
  'fetch-binance': ['queue-control.fetch.binance'],
  workflows: [QUEUE_EVENTS],
};

describe('a workflow on a Kafka that forgets, or is read again', { skip: await withoutBrokers() }, () => {
  let stack: KafkaStack;
  afterEach(() => stack.stop());

  const bus = () => stack.host.ports.bus;
  const recordsIn = async (topics: readonly string[]): Promise<number> =>
    (await busView(stack.client)).topics.filter(({ name }) => topics.includes(name)).reduce((sum, { records }) => sum + records, 0);
  /** How many events a member's trigger has handled. */
  const handledBy = async (url: string, trigger: string): Promise<number> => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return Number(
      new RegExp(`^streamforge_events_handled_total\\{.*trigger="${trigger}",outcome="handled"\\} (\\d+)`, 'm').exec(text)?.[1] ?? 0,
    );
  };
  /** Resolves when all that was asked of the exchange is fetched and in the log. */
  const allFetched = (): Promise<unknown> =>
    eventually(
      async () => {
        const lags = await bus().admin.lag('fetch-binance');
        return lags.some(({ end }) => end > 0) && lags.every(({ lag }) => lag === 0);
      },
      { deadlineMs: LONG_MS, everyMs: 50, what: 'all is fetched' },
    );

  it('case 59: groups whose offsets are deleted in the middle begin at the earliest record, and the workflow finishes with the same rows', async () => {
    const turnstile = createTurnstile();
    stack = await startKafkaStack({ around: turnstile.around });
    const load = aLoad('BTCUSDT', { days: 2, trades: true });
    await stack.join('fetch');
    await stack.join('sink');
    const queueId = await stack.startWorkflow(load.request);
    turnstile.allow(12);
    await underWay(stack, queueId, 8);
    await stack.pause();

    const admin = await stack.openBus();
    for (const [group, topics] of Object.entries(GROUPS)) {
      assert.ok(
        (await admin.admin.lag(group, topics)).some(({ committed }) => (committed ?? 0) > 0),
        `${group} had read something`,
      );
      await admin.admin.deleteGroup(group);
      assert.ok((await admin.admin.lag(group, topics)).every(({ committed }) => committed === null));
    }
    await admin.close();
    turnstile.allow(Number.POSITIVE_INFINITY);
    await stack.resume();
    const [fetching, sinking] = [await stack.join('fetch'), await stack.join('sink')];

    await assertLoaded(stack, queueId, load);
    // Commands that were done before are acknowledged, not handled: the claims are still there.
    assert.ok((await handledBy(sinking.url, 'sink-history')) >= (await recordsIn(HISTORY_TOPICS)));
    assert.ok((await handledBy(stack.host.url, 'workflows-events')) >= (await recordsIn([QUEUE_EVENTS])));
    assert.ok((await handledBy(fetching.url, 'fetch-binance')) < (await recordsIn(GROUPS['fetch-binance'] ?? [])));
  });

  it('cases 60 and 61: a sink that comes after the load has every row; the log read again from 0, and older rows behind it, change none', async () => {
    stack = await startKafkaStack();
    const load = aLoad('ETHUSDT', { trades: true });
    const [series = ''] = load.series;
    await stack.join('fetch');
    const queueId = await stack.startWorkflow(load.request);
    await allFetched();
    assert.equal((await stack.view(queueId)).stages[0]?.shards_done, 0);
    const sink = await stack.join('sink');
    await assertLoaded(stack, queueId, load);
    const snapshot = () => Promise.all(load.series.map((id) => storedRows(stack.host.url, id, load.from, load.to)));
    const before = await snapshot();
    await sink.stop();

    for (const topic of HISTORY_TOPICS) await bus().admin.resetOffsets('sink-history', topic, 'earliest');
    await bus().publish(olderRows(series, [...(before[0]?.values() ?? [])].slice(0, 30) as Candle[], queueId));
    const again = await stack.join('sink');
    await assertRead(stack);

    assert.ok((await handledBy(again.url, 'sink-history')) >= (await recordsIn(HISTORY_TOPICS)));
    assert.deepEqual(await snapshot(), before, 'no row and no revision has changed');
    await assertTruth(stack.host.url, stack.simulator.rest, load.series, load.from, load.to);
    assert.equal((await stack.view(queueId)).status, 'finished');
  });

  it('case 58: records that were deleted before the sink read them are holes that the ledger finds and the exchange fills', async () => {
    const turnstile = createTurnstile();
    stack = await startKafkaStack({ around: turnstile.around });
    const load = aLoad('SOLUSDT', { days: 4, trades: true });
    await stack.join('fetch');
    const sink = await stack.join('sink');
    const queueId = await stack.startWorkflow(load.request);
    turnstile.allow(6);
    await underWay(stack, queueId, 3);
    await sink.stop();
    turnstile.allow(Number.POSITIVE_INFINITY);
    await allFetched();

    const deleted = await deleteUnread();
    assert.ok(deleted > 10, `${deleted} records were deleted unread`);
    await stack.join('sink');

    // A marker that outlived its rows is judged short, and its shard fetched again at once.
    const isShort = ({ message, verdict }: Readonly<Record<string, unknown>>) =>
      message === 'the stored rows do not prove the shard' && verdict === 'short';
    await eventually(() => stack.logs.some(isShort), { deadlineMs: LONG_MS, what: 'a short verdict' });
    await eventually(async () => (await bus().admin.lag('sink-history', HISTORY_TOPICS)).every(({ lag }) => lag === 0), {
      deadlineMs: LONG_MS,
      what: 'offsets below the log are raised',
    });
    assert.equal((await stack.view(queueId)).status, 'loading', 'of the others nobody has heard');
    // What has lost its marker too is silent: the tick asks for it again when commands on their way would have come.
    stack.clock.leap(15 * MINUTE);

    await assertLoaded(stack, queueId, load);
  });

  /** Deletes what the sink has not read, but for the newest marker of each partition. Returns how many records that were. */
  async function deleteUnread(): Promise<number> {
    let deleted = 0;
    for (const topic of HISTORY_TOPICS) {
      const newest = new Map<number, BusRecord>();
      for await (const records of bus().read({ topic, from: 'earliest', untilEnd: true })) {
        for (const record of records) if (record.headers.ce_type === shardCompleted.type) newest.set(record.partition, record);
      }
      const read = await bus().admin.lag('sink-history', [topic]);
      const partitions = [...newest.values()].map(({ partition, offset }) => ({ partition, offset: String(offset) }));
      for (const { partition, offset } of newest.values()) {
        deleted += Math.max(0, offset - (read.find((each) => each.partition === partition)?.committed ?? 0));
      }
      if (partitions.length === 0) continue;
      await asSuperUser(stack.broker.address, async (admin) => {
        // The client deletes only in topics that it has heard of.
        await admin.fetchTopicOffsets(topic);
        await admin.deleteTopicRecords({ topic, partitions });
      });
    }
    return deleted;
  }

  /** The rows as they were before they were closed, and with a trade less, as events that come late. */
  function olderRows(series: string, rows: readonly Candle[], queueid: string): OutgoingRecord[] {
    const older = rows.map((row) => {
      const { revision: _, ...content } = row as Candle & { revision?: number };
      return { ...content, close: row.low, trade_count: Math.max(0, (row.trade_count ?? 0) - 1) };
    });
    const open = older.map((row) => ({ ...row, is_closed: false }));
    const meta = { producer: 'test', queueid };
    return [older, open]
      .flatMap((version) => packRows(parseSeriesId(series), version, { origin: 'rest', received_at: Date.now() }, meta))
      .map((event) => toRecord(event, 'market.candles.history'));
  }
});
