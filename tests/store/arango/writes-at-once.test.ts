import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSeriesId } from '../../../shared/domain/series.ts';
import { startDoubleServer } from '../../support/arango-server.ts';
import { eventually } from '../../support/eventually.ts';
import { aMinute } from '../../support/written.ts';

const series = parseSeriesId('binance:BTCUSDT:candles:1m');
const rest = { origin: 'rest', received_at: 1_722_500_000_000 } as const;
const server = await startDoubleServer();

test('a few upserts are made ready and sent at once, the others wait their turn, and reads pass them by', async () => {
  const { market } = await server.open();
  server.double.fault({ match: { query: 'INTO candles' }, delayMs: 2_000, times: 8 });
  const writes = Array.from({ length: 20 }, (_, minute) => market.upsertRows(series, [aMinute(minute)], rest));
  await eventually(() => server.double.served[0] === 8);

  const storedMeanwhile = await market.countRows(series);

  assert.equal(storedMeanwhile, 0);
  assert.ok((await Promise.all(writes)).every(({ written }) => written === 1));
  assert.equal(await market.countRows(series), 20);
});
