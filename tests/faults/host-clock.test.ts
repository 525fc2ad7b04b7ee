import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StartedWorkflow } from '../../shared/cli/workflow-client.ts';
import { systemClock } from '../../shared/runtime/system-clock.ts';
import { setExchangeClock } from '../support/served.ts';
import { assertComplete, assertSettled } from '../support/settled.ts';
import { startStack } from '../support/stack.ts';
import { assertTruth, storedRows } from '../support/truth.ts';

const FROM = Date.UTC(2024, 7, 5);
const BUCKET = 300_000;
/** The exchange's clock: half a minute into a bucket of five. */
const NOW = FROM + 40 * BUCKET + 30_000;
const SERIES = 'binance:BTCUSDT:candles:5m';
const REQUEST = { exchange: 'binance', symbol: 'BTCUSDT', type: 'api_candles_5m', time_range: '2024-08-05:2024-08-05' };

for (const [what, skewMs] of [
  ['right', 0],
  ['90 s slow', -90_000],
  ['90 s fast', 90_000],
] as const) {
  test(`cases 17 and 47: with the host's clock ${what}, what is closed is what the exchange has closed`, async () => {
    const begun = Date.now();
    const stack = await startStack({
      simulator: { now: NOW },
      host: { clock: { ...systemClock, now: () => NOW + skewMs + Date.now() - begun } },
    });
    const closed = FROM + 40 * BUCKET;
    try {
      const { queue_id, effective_to } = await stack.client.post<StartedWorkflow>('/workflows', REQUEST);
      const view = await stack.waitFor(queue_id);

      assert.deepEqual([view.status, effective_to], ['finished', closed]);
      assert.equal(await assertTruth(stack.host.url, stack.simulator.rest, [SERIES], FROM, closed), 40);
      assert.equal((await storedRows(stack.host.url, SERIES, closed, closed + BUCKET)).size, 0, 'the bucket that forms is not stored');
      await assertComplete(stack.client, [SERIES], FROM, closed);

      await setExchangeClock(stack, { advance_ms: BUCKET });
      const next = await stack.runWorkflow({ ...REQUEST, time_range: '2024-08-05:2024-08-06' });

      assert.equal(next.status, 'finished');
      assert.equal(
        await assertTruth(stack.host.url, stack.simulator.rest, [SERIES], FROM, closed + BUCKET),
        41,
        'it comes once it is closed',
      );
      await assertComplete(stack.client, [SERIES], FROM, closed + BUCKET);
      await assertSettled(stack.client);
    } finally {
      await stack.stop();
    }
  });
}
