import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { parseSeriesId } from '../../../shared/domain/series.ts';
import { RECORDINGS, withoutRecording } from '../../support/simulator.ts';
import { readAll } from './open-bench.ts';
import { assertTrue, openSimulator as open } from './open-simulator.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const AUGUST = Date.UTC(2024, 7, 1);

test('case 22: of a recording with a price of 17 digits that row alone is refused', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sf-fetch-'));
  t.after(() => rm(folder, { recursive: true }));
  const line = (id: number, price: string): string => `${id},${price},0.01000000,600.00000000,${AUGUST + id * 1_000},True,True`;
  await writeFile(
    join(folder, 'BTCUSDT-trades-2024-08-01.csv'),
    [1, 2, 3].map((id) => line(id, id === 2 ? '60000.123456789012' : '60000.00000000')).join('\n'),
  );
  const { exchange } = await open(t, { recording: folder, now: AUGUST + HOUR });

  const { rows, summary } = await readAll(exchange, {
    series: parseSeriesId('binance:BTCUSDT:trades'),
    from: AUGUST,
    to: AUGUST + HOUR / 2,
  });

  assert.deepEqual(
    rows.map((row) => (row as { id: number }).id),
    [1, 3],
  );
  assert.deepEqual(
    summary.refused.map(({ from_id, to_id, code }) => [from_id, to_id, code]),
    [[2, 2, 'precision_lost']],
  );
});

test('case 3: an hour removed from recorded trades with ids running on is quiet, with ids skipped it is id-skipped', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sf-fetch-'));
  t.after(() => rm(folder, { recursive: true }));
  const line = (id: number, time: number): string => `${id},60000.00000000,0.01000000,600.00000000,${time},True,True`;
  const minutes = Array.from({ length: 240 }, (_, index) => index).filter((index) => index < 60 || index >= 120);
  await writeFile(
    join(folder, 'BTCUSDT-trades-2024-08-01.csv'),
    minutes.map((minute) => line(5_000 + minute, AUGUST + minute * 60_000)).join('\n'),
  );
  await writeFile(
    join(folder, 'ETHUSDT-trades-2024-08-01.csv'),
    minutes.map((minute, index) => line(7_000 + index, AUGUST + minute * 60_000)).join('\n'),
  );
  const parts = await open(t, { recording: folder, now: AUGUST + DAY });

  const kinds: Record<string, unknown> = {};
  for (const symbol of ['BTCUSDT', 'ETHUSDT']) {
    kinds[symbol] = [];
    for (let hour = 0; hour < 4; hour += 1) {
      const { summary } = await assertTrue(parts, `binance:${symbol}:trades`, AUGUST + hour * HOUR, AUGUST + (hour + 1) * HOUR);
      (kinds[symbol] as unknown[]).push([
        summary.first_id,
        summary.last_id,
        ...summary.absent.map(({ kind }) => kind),
        ...summary.unavailable.map(() => 'unavailable'),
      ]);
    }
  }

  assert.deepEqual(kinds, {
    BTCUSDT: [
      [5_000, 5_119, 'id-skipped'],
      [5_120, 5_119, 'id-skipped'],
      [5_120, 5_179],
      [5_180, 5_239],
    ],
    ETHUSDT: [
      [7_000, 7_059],
      [7_060, 7_059, 'no-trades'],
      [7_060, 7_119],
      [7_120, 7_179],
    ],
  });
});

test('case 18: the outage of 2023-03-24 is the exchange’s own, its flat candles are rows', {
  skip: withoutRecording('klines-5m-2023'),
}, async (t) => {
  const parts = await open(t, { recording: resolve(RECORDINGS, 'klines-5m-2023') });
  const day = Date.UTC(2023, 2, 24);

  for (const symbol of ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'ADAUSDT']) {
    const { summary, rows } = await assertTrue(parts, `binance:${symbol}:candles:5m`, day, day + DAY);

    assert.equal(rows.length, 288 - 16);
    assert.deepEqual(
      summary.absent.map(({ from, to, kind }) => [new Date(from).toISOString(), new Date(to).toISOString(), kind]),
      [['2023-03-24T12:40:00.000Z', '2023-03-24T14:00:00.000Z', 'exchange-outage']],
    );
  }
});
