import type { TestContext } from 'node:test';
import { createProver, type RangeProof } from '../../../shared/domain/proof.ts';
import { rowTime } from '../../../shared/domain/row-key.ts';
import type { Row, Trade } from '../../../shared/domain/rows.ts';
import { BinanceExchange } from '../../../shared/exchanges/binance/binance-exchange.ts';
import type { BinanceOptions } from '../../../shared/exchanges/binance/binance-options.ts';
import type { CallOptions, HistoryPage, HistoryRequest, HistorySummary } from '../../../shared/exchanges/exchange.ts';
import { seededRandom } from '../../../shared/runtime/random.ts';
import { type LogEntry, recordingLogger } from '../../support/context.ts';
import { type ScriptedExchange, startScriptedExchange, type WireMarket } from './exchange-server.ts';
import { createSkippingClock, type SkippingClock, TEST_DEADLINE_MS } from './skipping-clock.ts';
import { START } from './wire-rows.ts';

/** An adapter at a scripted exchange, both on one clock that skips waits. */
export interface Bench {
  readonly clock: SkippingClock;
  readonly server: ScriptedExchange;
  readonly exchange: BinanceExchange;
  readonly logs: LogEntry[];
}

/** Opens both and closes them behind the test. The exchange's clock is `skewMs` ahead of ours; ours starts 40 days behind `START`. */
export async function openBench(
  t: TestContext,
  markets: Readonly<Record<string, WireMarket>>,
  options: Partial<BinanceOptions> & { readonly start?: number; readonly skewMs?: number; readonly weightLimit?: number } = {},
): Promise<Bench> {
  const { start = START + 40 * 86_400_000, skewMs = 0, weightLimit, ...rest } = options;
  const clock = createSkippingClock(start);
  const server = await startScriptedExchange({
    markets,
    now: () => clock.now() + skewMs,
    ...(weightLimit === undefined ? {} : { weightLimit }),
  });
  const logs: LogEntry[] = [];
  const exchange = new BinanceExchange({
    baseUrl: server.url,
    clock,
    random: seededRandom(1),
    logger: recordingLogger(logs),
    deadlineMs: TEST_DEADLINE_MS,
    ...rest,
  });
  t.after(async () => {
    await exchange.close();
    await server.close();
  });
  return { clock, server, exchange, logs };
}

/** A history read to its end. */
export interface History {
  readonly pages: readonly HistoryPage[];
  readonly rows: readonly Row[];
  readonly summary: HistorySummary;
}

export async function readAll(
  exchange: Pick<BinanceExchange, 'readHistory'>,
  request: HistoryRequest,
  options: CallOptions = {},
): Promise<History> {
  const pages: HistoryPage[] = [];
  const reading = exchange.readHistory(request, options);
  for (;;) {
    const step = await reading.next();
    if (step.done) return { pages, rows: pages.flatMap((page) => page.rows), summary: step.value };
    pages.push(step.value);
  }
}

/** What the rows of a history prove of the range that was asked for, as whoever stored them would find it. */
export function proofOf({ series, from, to }: HistoryRequest, { rows, summary }: History): RangeProof {
  const { first_id, last_id, absent } = summary;
  const ids = first_id === undefined || last_id === undefined ? {} : { from_id: first_id, to_id: last_id };
  const prover = createProver(series, { from, to, ...ids, absent });
  const ordered = [...rows].sort(
    (a, b) => rowTime(series, a) - rowTime(series, b) || ((a as Trade).id as number) - ((b as Trade).id as number),
  );
  for (const row of ordered) prover.add(row as never);
  return prover.finish();
}
