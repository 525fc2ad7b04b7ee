import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { BusRecord, OutgoingRecord } from '../../shared/bus/bus.ts';
import type { WorkflowView } from '../../shared/cli/workflow-client.ts';
import type { Candle } from '../../shared/domain/rows.ts';
import { parseSeriesId } from '../../shared/domain/series.ts';
import { toRecord } from '../../shared/events/kafka-codec.ts';
import { packRows } from '../../shared/events/micro-batch.ts';
import { contractOf } from '../../shared/events/registry.ts';
import { QUEUE_EVENTS } from '../../shared/events/topics.ts';
import { workflowResumeRequested } from '../../shared/events/workflow-resume-requested.ts';
import { workflowStopRequested } from '../../shared/events/workflow-stop-requested.ts';
import { seededRandom } from '../../shared/runtime/random.ts';
import { assertComplete, assertSettled, busView, endsOf } from '../support/settled.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { assertTruth, storedRows } from '../support/truth.ts';

const FROM = Date.UTC(2024, 7, 5);
const TO = FROM + 86_400_000;
const CANDLES = 'binance:BTCUSDT:candles:1m';
const SERIES = [CANDLES, 'binance:BTCUSDT:agg-trades'];
const REQUEST = {
  exchange: 'binance',
  symbol: 'BTCUSDT',
  types: ['api_candles_1m', 'api_agg_trades'],
  time_range: '2024-08-05:2024-08-05',
};

describe('a finished workflow', () => {
  let stack: Stack;
  let finished: WorkflowView;
  before(async () => {
    stack = await startStack();
    finished = await stack.runWorkflow(REQUEST);
    assert.equal(finished.status, 'finished');
    await assertSettled(stack.client);
  });
  after(() => stack.stop());

  async function recordsOf(topic: string): Promise<BusRecord[]> {
    const found: BusRecord[] = [];
    for await (const records of stack.host.ports.bus.read({ topic, from: 'earliest', untilEnd: true })) found.push(...records);
    return found;
  }

  const again = ({ topic, key, headers, value }: BusRecord): OutgoingRecord => ({ topic, key: key ?? '', headers, value });

  /** Sends records once more, in an order that a seed decides, and waits until everybody has read them. */
  async function sendShuffled(records: readonly OutgoingRecord[], seed: number): Promise<void> {
    const random = seededRandom(seed);
    const shuffled = records.map((record) => ({ record, rank: random.next() })).sort((a, b) => a.rank - b.rank);
    for (const { record } of shuffled) await stack.host.ports.bus.publish([record]);
    await assertSettled(stack.client, 30_000);
  }

  const sentTo = async (...topics: readonly string[]): Promise<unknown> => {
    const ends = endsOf(await busView(stack.client));
    return topics.map((topic) => ends[topic]);
  };

  test('case 61: its rows sent again in any order, and older versions behind them, leave the same rows', async () => {
    const rows = [...(await storedRows(stack.host.url, CANDLES, FROM, FROM + 30 * 60_000)).values()] as (Candle & { revision?: number })[];
    const older = rows.map(({ revision: _, ...row }) => ({ ...row, close: row.low, trade_count: Math.max(0, (row.trade_count ?? 0) - 1) }));
    const open = older.map((row) => ({ ...row, is_closed: false }));
    const late = [older, open].flatMap((version) =>
      packRows(
        parseSeriesId(CANDLES),
        version,
        { origin: 'rest', received_at: Date.now() + 60_000 },
        { producer: 'test', queueid: finished.queue_id },
      ),
    );
    const lateRecords = late.map((event) => toRecord(event, contractOf(event.type).topic(event.data)));
    const all = [...(await recordsOf('market.candles.history')), ...(await recordsOf('market.agg-trades.history'))].map(again);

    await sendShuffled([...all, ...lateRecords], 61);

    await assertTruth(stack.host.url, stack.simulator.rest, SERIES, FROM, TO);
    await assertComplete(stack.client, SERIES, FROM, TO);
  });

  test('case 67: its facts sent again shuffled, and a stop and a resume that come too late, move nothing and send nothing', async () => {
    const view = await stack.client.get<WorkflowView>(`/workflows/${finished.queue_id}`);
    const before = await sentTo('queue-control', 'queue-control.fetch.binance');
    const facts = (await recordsOf(QUEUE_EVENTS)).map(again);
    const failed = facts
      .filter(({ headers }) => headers?.ce_type === 'io.streamforge.queue-event.v1')
      .map((record): OutgoingRecord => {
        const data = JSON.parse(Buffer.from(record.value ?? []).toString()) as Record<string, unknown>;
        const said = { ...data, status: 'error', finished: true, stage: 'load', error: { code: 'timeout', message: 'a late word' } };
        return {
          ...record,
          headers: { ...record.headers, ce_id: `late:${String(data.status)}` },
          value: Buffer.from(JSON.stringify(said)),
        };
      });
    assert.ok(failed.length > 0);
    const meta = { producer: 'test', time: Date.now() };
    const about = { queue_id: finished.queue_id, reason: 'too late' };
    const late = [
      workflowStopRequested.build({ ...about, attempt: 1 }, meta),
      workflowResumeRequested.build(
        { ...about, attempt: 2, effective_to: TO, as_of: Date.now(), lacking: [{ series: CANDLES, ranges: [{ from: FROM, to: TO }] }] },
        meta,
      ),
    ].map((event) => toRecord(event, QUEUE_EVENTS));

    await sendShuffled([...facts, ...failed, ...late, ...facts], 67);

    assert.deepEqual(await stack.client.get<WorkflowView>(`/workflows/${finished.queue_id}`), view);
    assert.deepEqual(await sentTo('queue-control', 'queue-control.fetch.binance'), before);
    await assertTruth(stack.host.url, stack.simulator.rest, SERIES, FROM, TO);
  });
});
