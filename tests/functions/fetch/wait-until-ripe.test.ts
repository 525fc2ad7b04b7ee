import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitUntilRipe } from '../../../functions/fetch/wait-until-ripe.ts';
import type { Exchange } from '../../../shared/exchanges/exchange.ts';
import { createTestContext } from '../../support/context.ts';

const NOW = Date.UTC(2024, 7, 1);
const MINUTE = 60_000;
const series = 'binance:BTCUSDT:candles:1m';
const call = () => ({ signal: new AbortController().signal });
const aContext = () => createTestContext({ ports: { exchange: () => ({ time: async () => NOW }) as unknown as Exchange } });

test('a shard that came back short waits until its end is five minutes old by the exchange, whatever our clock says', async () => {
  const context = aContext();
  let isOver = false;

  const waiting = waitUntilRipe({ series, to: NOW - 2 * MINUTE, try: 2 }, call(), context).then(() => {
    isOver = true;
  });
  await context.clock.advance(3 * MINUTE - 1);
  const before = isOver;
  await context.clock.advance(1);
  await waiting;

  assert.deepEqual([before, isOver], [false, true]);
});

test('a first try, and a hole that is old enough, wait for nothing', async () => {
  const context = aContext();

  await waitUntilRipe({ series, to: NOW, try: 1 }, call(), context);
  await waitUntilRipe({ series, to: NOW - 5 * MINUTE, try: 2 }, call(), context);

  assert.deepEqual(context.clock.sleepers(), []);
});

test('the wait ends with its signal', async () => {
  const context = aContext();
  const stopped = new AbortController();
  const waiting = assert.rejects(waitUntilRipe({ series, to: NOW, try: 3 }, { signal: stopped.signal }, context), /stopped/);
  await context.clock.advance(0);

  stopped.abort(new Error('stopped'));

  await waiting;
});
