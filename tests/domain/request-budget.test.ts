import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type BudgetDemand,
  type BudgetDocument,
  emptyBudget,
  freezeBudget,
  freezeLeft,
  freezeLeftUnchecked,
  grantBudget,
  historyAllowance,
  noteUsed,
  turnBudget,
  wholeAllowance,
} from '../../shared/domain/request-budget.ts';

const MINUTE = 60_000;
/** 2024-08-01T00:00:00Z. */
const START = 1_722_470_400_000;

const ask = (over: Partial<BudgetDemand> = {}): BudgetDemand => ({ now: START + 1_000, weight: 1, urgent: false, ...over });

/** Asks again and again until it is refused; what was granted. */
function takeAll(document: BudgetDocument, demand: BudgetDemand): { readonly document: BudgetDocument; readonly total: number } {
  let [held, total] = [document, 0];
  for (;;) {
    const { document: after, granted } = grantBudget(held, demand);
    held = after;
    if (granted === 0) return { document: held, total };
    total += granted;
  }
}

const freezeFor = (ms: number, at = START, by = '429') => ({ until: at + ms, at, host_at: at, by, measured: true });

const anyDemand = fc.record({
  afterMs: fc.integer({ min: 0, max: 4_000 }),
  weight: fc.integer({ min: 1, max: 250 }),
  wanted: fc.integer({ min: 1, max: 2_000 }),
  urgent: fc.boolean(),
  workflow: fc.constantFrom('', 'large', 'small', 'other'),
});

test('property: in no minute is more granted than its allowance, history never takes the reserve, in whatever order is asked', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1_000, max: 20_000 }), fc.array(anyDemand, { maxLength: 300 }), (limit, demands) => {
      let document = emptyBudget('binance', limit);
      let now = START;
      const granted = new Map<number, { history: number; all: number }>();
      for (const { afterMs, ...demand } of demands) {
        now += afterMs;
        const grant = grantBudget(document, { now, ...demand });
        document = grant.document;
        const minute = Math.floor(now / MINUTE);
        const sums = granted.get(minute) ?? { history: 0, all: 0 };
        granted.set(minute, sums);
        sums.all += grant.granted;
        if (!demand.urgent) sums.history += grant.granted;

        assert.ok(grant.granted === 0 ? (grant.retry_at ?? 0) > now : grant.granted >= demand.weight);
        assert.ok(sums.history <= historyAllowance(limit) && sums.all <= wholeAllowance(limit));
        assert.equal(document.granted, sums.all);
      }
    }),
  );
});

test('property: a freeze only ever grows, and nothing is granted while it holds', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 90_000 }), fc.integer({ min: 0, max: 30_000 })), { maxLength: 30 }), (told) => {
      let document = emptyBudget('binance', 6_000);
      let at = START;
      let until = 0;
      for (const [forMs, afterMs] of told) {
        at += afterMs;
        document = freezeBudget(document, freezeFor(forMs, at));
        until = Math.max(until, at + forMs);
        const { granted, retry_at, document: after } = grantBudget(document, ask({ now: at, urgent: true }));

        assert.equal(document.frozen_until, until);
        assert.equal(granted > 0, at >= until);
        if (granted === 0) assert.deepEqual([retry_at, after], [until, document]);
      }
    }),
  );
});

test('alone, a workflow gets the whole allowance, and the urgent find the reserve', () => {
  const alone = takeAll(emptyBudget('binance', 6_000), ask({ workflow: 'large' }));
  const urgent = takeAll(alone.document, ask({ urgent: true }));

  assert.equal(alone.total, 4_800);
  assert.equal(urgent.total, 5_970 - 4_800);
});

test('eight processes that lease for themselves leave less than a twentieth unspent', () => {
  let document = emptyBudget('binance', 6_000);
  const unspent = Array.from({ length: 8 }, () => 0);
  let spent = 0;
  for (let refused = 0, turn = 0; refused < 8; turn = (turn + 1) % 8) {
    if ((unspent[turn] ?? 0) < 2) {
      const grant = grantBudget(document, ask({ workflow: 'large', weight: 2 }));
      document = grant.document;
      unspent[turn] = (unspent[turn] ?? 0) + grant.granted;
    }
    refused = (unspent[turn] ?? 0) < 2 ? refused + 1 : 0;
    if (refused === 0) {
      unspent[turn] = (unspent[turn] ?? 0) - 2;
      spent += 2;
    }
  }

  assert.ok(spent >= 4_800 * 0.95, String(spent));
});

test('a large limit costs few leases', () => {
  let document = emptyBudget('binance', 1_000_000);
  let leases = 0;
  for (let granted = 0; granted < 100_000; leases += 1) {
    const grant = grantBudget(document, ask());
    document = grant.document;
    granted += grant.granted;
  }

  assert.ok(leases <= 40, String(leases));
});

test('those who wait together are served by one lease', () => {
  const { granted } = grantBudget(emptyBudget('binance', 6_000), ask({ weight: 25, wanted: 200 }));

  assert.equal(granted, 200);
});

test('a small workflow that came behind a large one has its share in the next minute, whoever asks first', () => {
  const first = takeAll(emptyBudget('binance', 6_000), ask({ workflow: 'large' }));
  const refused = grantBudget(first.document, ask({ now: START + 20_000, workflow: 'small' }));
  const next = START + MINUTE;

  const large = takeAll(refused.document, ask({ now: next, workflow: 'large' }));
  const small = takeAll(large.document, ask({ now: next + 20_000, workflow: 'small' }));

  assert.deepEqual([refused.granted, refused.retry_at], [0, next]);
  assert.deepEqual([large.total, small.total], [2_400, 2_400]);
});

test('a workflow that begins while there is some left gets up to its share of it, and the large one waits', () => {
  let document = emptyBudget('binance', 6_000);
  for (let granted = 0; granted < 3_000; ) {
    const grant = grantBudget(document, ask({ workflow: 'large' }));
    document = grant.document;
    granted += grant.granted;
  }
  document = grantBudget(document, ask({ workflow: 'small' })).document;

  const large = grantBudget(document, ask({ workflow: 'large' }));
  const small = takeAll(large.document, ask({ workflow: 'small' }));

  assert.equal(large.granted, 0);
  assert.ok(small.total > 1_700, String(small.total));
});

test('a share that its workflow does not ask for is open to others late in the minute, so that none of it is wasted', () => {
  const both = grantBudget(grantBudget(emptyBudget('binance', 6_000), ask({ workflow: 'small' })).document, ask({ workflow: 'large' }));
  const next = START + MINUTE;

  const early = takeAll(both.document, ask({ now: next, workflow: 'large' }));
  const later = takeAll(early.document, ask({ now: next + 42_000, workflow: 'large' }));
  const late = takeAll(later.document, ask({ now: next + 54_000, workflow: 'large' }));
  const retry = grantBudget(early.document, ask({ now: next + 5_000, workflow: 'large' })).retry_at ?? 0;

  assert.equal(early.total, 2_400);
  assert.ok(later.total > 1_100 && later.total < 1_300, String(later.total));
  assert.equal(early.total + later.total + late.total, 4_800);
  assert.ok(grantBudget(early.document, ask({ now: retry, workflow: 'large' })).granted >= 1, 'it may ask when it was told to');
  assert.ok(retry < next + MINUTE);
});

test('a workflow that asked in neither this minute nor the last keeps nothing from the others', () => {
  const small = grantBudget(emptyBudget('binance', 6_000), ask({ workflow: 'small' }));
  const silent = grantBudget(small.document, ask({ now: START + MINUTE, workflow: 'large' }));

  const alone = takeAll(silent.document, ask({ now: START + 2 * MINUTE, workflow: 'large' }));

  assert.equal(alone.total, 4_800);
  assert.deepEqual(Object.keys(alone.document.workflows), ['large']);
});

test('of more workflows than shares of one request, each gets a request at once', () => {
  let document = emptyBudget('binance', 1_000);
  const granted: number[] = [];
  for (let round = 0; round < 2; round += 1) {
    for (let nth = 0; nth < 20; nth += 1) {
      const grant = grantBudget(document, ask({ now: START + round * MINUTE, weight: 50, workflow: `wf-${nth}` }));
      document = grant.document;
      if (round === 1) granted.push(grant.granted);
    }
  }

  assert.equal(granted.filter((weight) => weight === 50).length, 16);
});

test('a request above the whole allowance is let through when nobody has leased anything in the minute, and not behind others', () => {
  const fresh = emptyBudget('binance', 100);

  const grant = grantBudget(fresh, ask({ weight: 250 }));

  assert.equal(grant.granted, 250);
  assert.equal(grantBudget(grant.document, ask({ weight: 250 })).granted, 0);
  assert.equal(grantBudget(grantBudget(fresh, ask()).document, ask({ weight: 250 })).granted, 0);
});

test('what the exchange has counted is counted, also when others than us used the address', () => {
  const document = grantBudget(emptyBudget('binance', 6_000), ask()).document;

  const { total } = takeAll(document, ask({ used: 4_000 }));

  assert.equal(total, 800);
  assert.equal(noteUsed({ ...document, granted: 50 }, 40).granted, 50, 'what was leased and is not spent yet stays counted');
});

test('the limit that the exchange told holds from then on', () => {
  const { document } = grantBudget(emptyBudget('binance', 6_000), ask({ limit: 1_200 }));

  assert.equal(document.limit, 1_200);
  assert.equal(takeAll(document, ask()).document.granted, 960);
});

test('whose clock is a minute behind waits for its own; a document far ahead was written by another clock and begins anew', () => {
  const ahead = grantBudget(emptyBudget('binance', 6_000), ask({ now: START + MINUTE })).document;
  const far = freezeBudget(ahead, freezeFor(1e9, START + 900 * MINUTE));

  const behind = grantBudget(ahead, ask({ now: START + MINUTE - 1 }));
  const anew = grantBudget(far, ask({ now: START }));

  assert.deepEqual([behind.granted, behind.retry_at, behind.document], [0, START + MINUTE, ahead]);
  assert.ok(anew.granted > 0);
  assert.deepEqual([anew.document.minute, anew.document.frozen_until], [START / MINUTE, 0]);
});

test('a turn of the minute keeps the freeze, the limit and who asked', () => {
  const frozen = freezeBudget(grantBudget(emptyBudget('binance', 1_200), ask({ workflow: 'wf' })).document, freezeFor(90_000));

  const turned = turnBudget(frozen, START / MINUTE + 1);

  assert.deepEqual([turned.frozen_until, turned.limit, turned.granted], [START + 90_000, 1_200, 0]);
  assert.deepEqual(turned.workflows, { wf: { granted: 0, asked: START / MINUTE } });
});

test('a freeze lasts no longer than it was told for, and a clock that nothing has checked gives it two minutes more', () => {
  const document = freezeBudget(emptyBudget('binance', 6_000), {
    ...{ until: START + 600_000, at: START, host_at: START + 7_000_000, by: '418', measured: true },
  });
  const hostOf = (exchange: number): number => exchange + 7_000_000;

  assert.equal(freezeLeft(document, START + 100_000), 500_000);
  assert.equal(freezeLeft(document, START - 90_000), 600_000);
  assert.equal(freezeLeft(document, START + 600_000), 0);
  assert.equal(freezeLeftUnchecked(document, hostOf(START + 100_000)), 600_000, 'the host that was told knows how its clock stands');
  assert.equal(freezeLeftUnchecked(document, hostOf(START + 600_000 + 90_000)), 30_000);
  assert.equal(freezeLeftUnchecked(document, hostOf(START + 720_000)), 0);
  assert.equal(freezeLeftUnchecked({ ...document, frozen_host_at: START }, START + 600_000 + 90_000), 30_000, 'a clock 90 s fast');
});

test('a freeze whose time is a guess turns no minute', () => {
  const document = grantBudget(emptyBudget('binance', 6_000), ask()).document;

  const frozen = freezeBudget(document, { ...freezeFor(30_000, START - 3 * MINUTE), measured: false });

  assert.deepEqual([frozen.minute, frozen.granted], [document.minute, document.granted]);
});
