import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { INTERVALS, nextOpenTime, openTimeAt } from '../../../shared/domain/interval.ts';
import { effectiveTo, selectionsOf } from '../../../shared/domain/workflow/request.ts';
import { CLOSED_AFTER_MS, parseTimePoint, parseTimeRange, seriesEnd } from '../../../shared/domain/workflow/time-range.ts';
import { aRequest } from './builders.ts';

const DAY = 86_400_000;

test('case 5: two dates are whole UTC days with the last one included, whatever the time zone of the host', () => {
  assert.deepEqual(parseTimeRange('2024-08-01:2024-08-31'), { from: Date.UTC(2024, 7, 1), to: Date.UTC(2024, 8, 1) });
  assert.deepEqual(parseTimeRange('2024-03-31:2024-03-31'), { from: Date.UTC(2024, 2, 31), to: Date.UTC(2024, 3, 1) });
});

test('two instants are half-open, to the millisecond', () => {
  assert.deepEqual(parseTimeRange('2024-08-01T00:00:00Z/2024-08-01T06:00:00.001Z'), {
    from: Date.UTC(2024, 7, 1),
    to: Date.UTC(2024, 7, 1, 6) + 1,
  });
  assert.deepEqual(parseTimeRange('2024-08-01T02:00+02:00/2024-08-01T06:00Z'), { from: Date.UTC(2024, 7, 1), to: Date.UTC(2024, 7, 1, 6) });
});

test('whatever is no time range is told from one that cannot be', () => {
  const problems = {
    'is not a time range': [
      '',
      '2024-08-01',
      '2024-08-01/2024-08-31',
      '2024-08-01:2024-08-31:2024-09-01',
      '2024-8-1:2024-8-31',
      '2024-08-01T00:00:00/2024-08-02T00:00:00',
      '1:2',
      'last week',
    ],
    'names a time that does not exist': [
      '2024-02-30:2024-03-01',
      '2023-02-29:2023-03-01',
      '2024-13-01:2024-13-02',
      '2024-02-30T00:00:00Z/2024-03-05T00:00:00Z',
      '2024-08-01T25:00:00Z/2024-08-02T00:00:00Z',
    ],
    'ends before it begins': ['2024-08-02:2024-08-01', '2024-08-01T00:00:00Z/2024-08-01T00:00:00Z'],
    'begins before 1970': ['1969-12-31:1970-01-02'],
  };
  for (const [problem, texts] of Object.entries(problems)) {
    for (const text of texts) assert.deepEqual(parseTimeRange(text), { problem }, text);
  }
});

test('one moment is a date, an instant or epoch milliseconds', () => {
  assert.equal(parseTimePoint('2024-08-01'), Date.UTC(2024, 7, 1));
  assert.equal(parseTimePoint('2024-08-01T06:00:00Z'), Date.UTC(2024, 7, 1, 6));
  assert.equal(parseTimePoint('1722470400000'), Date.UTC(2024, 7, 1));
  for (const bad of ['', 'now', '2024-02-30', '2024-08-01T06:00:00', '-1', '1969-12-31', '1e3'])
    assert.equal(parseTimePoint(bad), undefined, bad);
});

const moments = fc.integer({ min: Date.UTC(2018, 0, 1), max: Date.UTC(2027, 0, 1) });

test('a series ends with the last bucket that closed at least five seconds ago by the clock given', () => {
  fc.assert(
    fc.property(fc.constantFrom(...INTERVALS.filter((name) => name !== '3d')), moments, (interval, asOf) => {
      const end = seriesEnd({ interval }, Number.MAX_SAFE_INTEGER, asOf);

      assert.equal(openTimeAt(interval, end), end);
      assert.ok(end + CLOSED_AFTER_MS <= asOf);
      assert.ok(nextOpenTime(interval, end) + CLOSED_AFTER_MS > asOf);
    }),
  );
});

test('buckets of three days: those that have closed open before the end, and no others, at whichever midnight they open', () => {
  fc.assert(
    fc.property(fc.constantFrom(0, 1, 2), moments, (phase, asOf) => {
      const lastClosed = Math.floor((asOf - CLOSED_AFTER_MS - phase * DAY) / (3 * DAY)) * 3 * DAY + phase * DAY - 3 * DAY;

      const end = seriesEnd({ interval: '3d' }, Number.MAX_SAFE_INTEGER, asOf);

      assert.ok(lastClosed < end);
      assert.ok(lastClosed + 3 * DAY >= end);
    }),
  );
});

test('a range of the past is not clipped', () => {
  const to = Date.UTC(2024, 7, 1, 0, 3);

  assert.equal(seriesEnd({ interval: '5m' }, to, to + DAY), to);
});

test('each series of a request ends by its own buckets; the latest end is shown', () => {
  const asOf = Date.UTC(2024, 7, 10, 12, 7, 4);
  const request = aRequest({ type: undefined as never, types: ['api_candles_5m', 'api_candles_1h', 'api_trades'] });

  assert.deepEqual(
    selectionsOf(request, asOf).map(({ series, to }) => [series, new Date(to).toISOString()]),
    [
      ['binance:BTCUSDT:candles:5m', '2024-08-10T12:05:00.000Z'],
      ['binance:BTCUSDT:candles:1h', '2024-08-10T12:00:00.000Z'],
      ['binance:BTCUSDT:trades', '2024-08-10T12:06:59.000Z'],
    ],
  );
  assert.equal(effectiveTo(request, asOf), asOf - CLOSED_AFTER_MS);
  assert.equal(effectiveTo(request, Date.UTC(2025, 0, 1)), Date.UTC(2024, 8, 1));
});
