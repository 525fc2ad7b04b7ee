import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExchangeClock } from '../../../shared/exchanges/binance/exchange-clock.ts';
import { WeightLimiter } from '../../../shared/exchanges/binance/weight-limiter.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const MINUTE = 60_000;
/** 2024-08-01T00:00:10Z: ten seconds into a minute. */
const NOW = 1_722_470_410_000;

function openLimiter(limit = 100) {
  const clock = createFakeClock(NOW);
  const exchangeClock = new ExchangeClock(clock);
  const limiter = new WeightLimiter({ clock, exchangeClock, random: () => 0, reserve: 0.2 });
  limiter.setLimit(limit);
  const minute = (): number => exchangeClock.minuteOf(undefined);
  return { clock, exchangeClock, limiter, minute };
}

test('what is in flight counts before the exchange has told anything', () => {
  const { limiter } = openLimiter();

  assert.ok(limiter.take({ weight: 40, urgent: false }));
  assert.ok(limiter.take({ weight: 40, urgent: false }));

  assert.equal(limiter.take({ weight: 1, urgent: false }), false);
  assert.equal(limiter.used, 80);
});

test('the reserve is for the urgent', () => {
  const { limiter } = openLimiter();
  limiter.take({ weight: 80, urgent: false });

  assert.equal(limiter.take({ weight: 20, urgent: false }), false);
  assert.ok(limiter.take({ weight: 20, urgent: true }));
  assert.equal(limiter.take({ weight: 1, urgent: true }), false);
});

test('the header is believed, up and down, and what is in flight is added to it', () => {
  const { limiter, minute } = openLimiter();
  limiter.take({ weight: 10, urgent: false });
  limiter.take({ weight: 5, urgent: false });

  limiter.settle(10, 60, minute());
  assert.equal(limiter.used, 65);
  limiter.settle(5, 62, minute());

  assert.equal(limiter.used, 62);
});

test('an older header that arrives late does not lower the count', () => {
  const { limiter, minute } = openLimiter();
  limiter.take({ weight: 2, urgent: false });
  limiter.take({ weight: 2, urgent: false });

  limiter.settle(2, 50, minute());
  limiter.settle(2, 48, minute());

  assert.equal(limiter.used, 50);
});

test('a request without an answer weighs all the same; one that was never sent does not', () => {
  const { limiter, minute } = openLimiter();
  limiter.take({ weight: 10, urgent: false });
  limiter.take({ weight: 20, urgent: false });

  limiter.settle(10, undefined, minute());
  limiter.giveBack({ weight: 20, urgent: false }, minute());

  assert.equal(limiter.used, 10);
});

test('the count starts anew with the full minute of the exchange, not with ours', async () => {
  const { clock, exchangeClock, limiter } = openLimiter();
  exchangeClock.measure(NOW + 30_000, NOW, undefined);
  limiter.take({ weight: 80, urgent: false });
  let passed = false;
  const waiting = limiter.wait({ weight: 10, urgent: false }).then(() => {
    passed = true;
  });

  await clock.advance(20_000);
  assert.equal(passed, false);
  limiter.settle(80, 80, exchangeClock.minuteOf(undefined) - 1);
  await clock.advance(100);
  await waiting;

  assert.equal(limiter.used, 0);
});

test('an answer of the minute before does not weigh on the new one', async () => {
  const { clock, limiter, minute } = openLimiter();
  limiter.take({ weight: 10, urgent: false });
  const old = minute();
  await clock.advance(MINUTE);

  limiter.settle(10, 95, old);

  assert.equal(limiter.used, 0);
});

test('a call above the whole budget is let through at the head of a minute', () => {
  const { limiter } = openLimiter(10);

  assert.ok(limiter.take({ weight: 20, urgent: false }));
  assert.equal(limiter.take({ weight: 20, urgent: false }), false);
});

test('a freeze holds for everyone, only grows, and is waited out', async () => {
  const { clock, limiter } = openLimiter();
  limiter.freeze(NOW + 5_000, '429');
  limiter.freeze(NOW + 2_000, '429');
  let passed = 0;
  const waiting = Promise.all([1, 2, 3].map(() => limiter.wait({ weight: 1, urgent: true }).then(() => passed++)));

  assert.equal(limiter.take({ weight: 1, urgent: true }), false);
  assert.equal(limiter.frozenUntil, NOW + 5_000);
  await clock.advance(4_999);
  assert.equal(passed, 0);
  await clock.advance(1);
  await waiting;

  assert.equal(limiter.frozenUntil, undefined);
});

test('a wait ends with its signal', async () => {
  const { limiter } = openLimiter();
  limiter.freeze(NOW + 5_000, '429');
  const stop = new AbortController();

  const waiting = limiter.wait({ weight: 1, urgent: false }, stop.signal);
  stop.abort(new Error('stop'));

  await assert.rejects(waiting, { message: 'stop' });
});

test('the clock of the exchange follows its Date header between measurements, and ignores one that another clock wrote', () => {
  const clock = createFakeClock(NOW);
  const trusted = new ExchangeClock(clock);
  trusted.measure(NOW + 90_400, NOW, NOW + 90_000);
  trusted.noteDate(NOW + 95_000, NOW, NOW);
  assert.equal(trusted.now(), NOW + 95_000);
  trusted.noteDate(NOW + 80_000, NOW, NOW);
  assert.equal(trusted.now(), NOW + 80_999);

  const foreign = new ExchangeClock(clock);
  foreign.measure(NOW - 86_400_000, NOW, NOW);
  foreign.noteDate(NOW, NOW, NOW);
  assert.equal(foreign.now(), NOW - 86_400_000);
});
