import assert from 'node:assert/strict';
import type { WorkflowView } from '../../../shared/cli/workflow-client.ts';
import { eventually } from '../eventually.ts';
import { assertComplete, busView, deadLettersOf } from '../settled.ts';
import { assertTruth } from '../truth.ts';
import type { KafkaStack } from './kafka-stack.ts';

const DAY_MS = 86_400_000;
const FIRST_DAY = Date.UTC(2024, 7, 5);
const SETTLE_MS = 60_000;

/** A workflow's request, and the rows that it has to leave in the store. */
export interface Load {
  readonly request: unknown;
  readonly series: readonly string[];
  readonly from: number;
  readonly to: number;
}

/** Minute candles, and aggregated trades where they are asked for, of so many days of one symbol. */
export function aLoad(symbol: string, { days = 1, trades = false }: { readonly days?: number; readonly trades?: boolean } = {}): Load {
  const to = FIRST_DAY + days * DAY_MS;
  const date = (time: number): string => new Date(time).toISOString().slice(0, 10);
  return {
    request: {
      exchange: 'binance',
      symbol,
      types: ['api_candles_1m', ...(trades ? ['api_agg_trades'] : [])],
      time_range: `${date(FIRST_DAY)}:${date(to - 1)}`,
    },
    series: [`binance:${symbol}:candles:1m`, ...(trades ? [`binance:${symbol}:agg-trades`] : [])],
    from: FIRST_DAY,
    to,
  };
}

/**
 * Asserts that a workflow finished at its first attempt, that the store has exactly the rows of the exchange, each counted once, that the ledger is whole,
 * that every group has read everything, and that no dead letters are there but those named. Returns the count of rows.
 */
export async function assertLoaded(
  stack: KafkaStack,
  queueId: string,
  { series, from, to }: Load,
  letters: Readonly<Record<string, number>> = {},
): Promise<number> {
  const view = await stack.waitFor(queueId);
  assert.deepEqual([view.status, view.attempt, view.error], ['finished', 1, undefined]);
  const rows = await assertTruth(stack.host.url, stack.simulator.rest, series, from, to);
  const [load] = view.stages;
  assert.deepEqual([load?.records_written, load?.rows_counted, load?.shards_done], [rows, rows, load?.shards_total]);
  await assertComplete(stack.client, series, from, to);
  await assertRead(stack, letters);
  return rows;
}

/** Asserts that every group has read everything, soon, and that these dead letters are there, and no others. */
export async function assertRead(stack: KafkaStack, letters: Readonly<Record<string, number>> = {}): Promise<void> {
  const groups = await eventually(
    async () => {
      const { lags } = await busView(stack.client);
      assert.deepEqual(
        lags.filter(({ lag }) => lag > 0),
        [],
      );
      return new Set(lags.map(({ group }) => group));
    },
    { deadlineMs: SETTLE_MS, everyMs: 100, what: 'every group has read everything' },
  );
  for (const group of ['workflows', 'fetch-binance', 'sink-history']) assert.ok(groups.has(group), `there is a group ${group}`);
  assert.deepEqual(deadLettersOf(await busView(stack.client)), letters);
}

/** Resolves in the middle of the load: some shards are proven, others are not. */
export async function underWay(stack: KafkaStack, queueId: string, shards = 1): Promise<WorkflowView> {
  const view = await eventually(
    async () => {
      const now = await stack.view(queueId);
      return (now.stages[0]?.shards_done ?? 0) >= shards && now;
    },
    { deadlineMs: SETTLE_MS, everyMs: 10, what: `${shards} proven shards` },
  );
  assert.equal((view as WorkflowView).status, 'loading');
  return view as WorkflowView;
}
