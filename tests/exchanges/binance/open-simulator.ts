import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { rowKey } from '../../../shared/domain/row-key.ts';
import type { Row } from '../../../shared/domain/rows.ts';
import { parseSeriesId } from '../../../shared/domain/series.ts';
import { BinanceExchange } from '../../../shared/exchanges/binance/binance-exchange.ts';
import type { BinanceOptions } from '../../../shared/exchanges/binance/binance-options.ts';
import type { SimulatorOptions } from '../../../shared/exchanges/simulator/options.ts';
import { seededRandom } from '../../../shared/runtime/random.ts';
import { systemClock } from '../../../shared/runtime/system-clock.ts';
import { startTestSimulator, type TestSimulator } from '../../support/simulator.ts';
import { assertSameRows } from '../../support/truth.ts';
import { type History, readAll } from './open-bench.ts';

/** A simulator in this process and an adapter that asks it; both end with the test. */
export async function openSimulator(
  t: TestContext,
  options: SimulatorOptions = {},
  adapter: Partial<BinanceOptions> = {},
): Promise<{ simulator: TestSimulator; exchange: BinanceExchange }> {
  const simulator = await startTestSimulator(options);
  const exchange = new BinanceExchange({
    baseUrl: simulator.rest,
    clock: systemClock,
    random: seededRandom(1),
    firstBackoffMs: 5,
    maxBackoffMs: 20,
    ...adapter,
  });
  t.after(async () => {
    await exchange.close();
    await simulator.close();
  });
  return { simulator, exchange };
}

function byKey(series: string, rows: readonly Row[]): Map<string, Row> {
  const parsed = parseSeriesId(series);
  const map = new Map(rows.map((row) => [rowKey(parsed, row), row]));
  assert.equal(map.size, rows.length, `${series}: a row came twice`);
  return map;
}

/** Reads a range and compares it with the truth, all fields. */
export async function assertTrue(
  { simulator, exchange }: { simulator: TestSimulator; exchange: BinanceExchange },
  series: string,
  from: number,
  to: number,
): Promise<History> {
  const history = await readAll(exchange, { series: parseSeriesId(series), from, to });
  assertSameRows(byKey(series, history.rows), byKey(series, await simulator.truth<Row>(series, { from, to })), series);
  return history;
}
