import type { Mutant } from './mutant.ts';

const DOMAIN = ['tests/domain/request-budget.test.ts'];
const LIMITER = ['tests/exchanges/binance/shared-limiter.test.ts'];
const FREEZES = ['tests/exchanges/binance/shared-freezes.test.ts'];
const BUDGET = ['tests/runtime/shared-budget.test.ts'];

/** What shares one address among processes. */
export const BUDGET_MUTANTS: readonly Mutant[] = [
  {
    name: 'whoever asks first has the whole minute, and a small workflow never its turn',
    file: 'shared/domain/request-budget.ts',
    find: 'Math.ceil(kept * keptPart(now))',
    replace: '0',
    tests: DOMAIN,
  },
  {
    name: 'a share that nobody asks for is kept to the end of the minute',
    file: 'shared/domain/request-budget.ts',
    find: 'return Math.min(1, Math.max(0, (OPEN_MS - (now % MINUTE_MS)) / (OPEN_MS - KEPT_MS)));',
    replace: 'return 1;',
    tests: DOMAIN,
  },
  {
    name: 'history takes the fifth that repairs need',
    file: 'shared/domain/request-budget.ts',
    find: '(urgent ? wholeAllowance(told.limit) : allowance)',
    replace: 'wholeAllowance(told.limit)',
    tests: DOMAIN,
  },
  {
    name: 'a short freeze ends a long one',
    file: 'shared/domain/request-budget.ts',
    find: 'if (until <= turned.frozen_until) return turned;',
    replace: '',
    tests: DOMAIN,
  },
  {
    name: 'a document of another clock holds up everybody for ever',
    file: 'shared/domain/request-budget.ts',
    find: 'if (minute === document.minute || minute === document.minute - 1) return document;',
    replace: 'if (minute <= document.minute) return document;',
    tests: DOMAIN,
  },
  {
    name: 'a process that has only just started believes its host about when a ban ends',
    file: 'shared/domain/request-budget.ts',
    find: 'return freezeLeft(document, now - UNCHECKED_CLOCK_MS);',
    replace: 'return freezeLeft(document, now);',
    tests: FREEZES,
    pattern: 'a freeze survives a restart',
  },
  {
    name: 'two processes are granted the same weight',
    file: 'shared/runtime/shared-budget.ts',
    find: 'if (isWritten) {',
    replace: 'if (isWritten || document !== before) {',
    tests: BUDGET,
  },
  {
    name: 'a refusal comes from what was known once',
    file: 'shared/runtime/shared-budget.ts',
    find: 'if (known === undefined) return { document, result };',
    replace: 'if (known !== null) return { document, result };',
    tests: BUDGET,
  },
  {
    name: 'a budget is written over whatever another process wrote',
    file: 'shared/store/sqlite/budget-operations.ts',
    find: 'WHERE exchange = ? AND rev = ?',
    replace: 'WHERE exchange = ? AND rev >= ? - 1000',
    tests: ['tests/store/sqlite/workflow-store.test.ts'],
    pattern: 'request budget',
  },
  {
    name: 'a request leaves on a lease that ends before it arrives',
    file: 'shared/exchanges/binance/budget-leases.ts',
    find: 'return this.#exchangeClock.msToNextMinute() <= TAIL_MS;',
    replace: 'return false;',
    tests: LIMITER,
  },
  {
    name: 'weight of a minute that is over is spent in the next',
    file: 'shared/exchanges/binance/budget-leases.ts',
    find: 'if (purse.minute !== minute) purse.left = 0;',
    replace: '',
    tests: LIMITER,
  },
  {
    name: 'a freeze is heard of with the next lease, whenever that is',
    file: 'shared/exchanges/binance/budget-leases.ts',
    find: 'return this.#ageMs >= 0 && this.#ageMs <= SEEN_MS;',
    replace: 'return this.#ageMs >= 0;',
    tests: FREEZES,
  },
  {
    name: 'what the small workflow leased goes out for the large one',
    file: 'shared/exchanges/binance/budget-leases.ts',
    find: "const key = urgent ? 'urgent' :",
    replace: "const key = urgent ? 'urgent' : urgent === false ? 'all' :",
    tests: LIMITER,
  },
  {
    name: 'reading the clock weighs nothing',
    file: 'shared/exchanges/binance/budget-leases.ts',
    find: 'this.#owed += need.weight;',
    replace: '',
    tests: LIMITER,
  },
  {
    name: 'a freeze stays in the process that met it',
    file: 'shared/exchanges/binance/weight-limiter.ts',
    find: 'this.#leases?.tellFreeze(until - this.#clock.now(), by);',
    replace: 'void by;',
    tests: FREEZES,
  },
  {
    name: "windows follow the host's clock until the exchange's is known",
    file: 'shared/exchanges/binance/weight-limiter.ts',
    find: 'return this.isShared && need.clockless !== true && !this.#exchangeClock.isProven;',
    replace: 'return this.isShared && need.clockless === null;',
    tests: LIMITER,
  },
  {
    name: 'the count of the minute before holds up the new one',
    file: 'shared/exchanges/binance/weight-limiter.ts',
    find: '(sentIn === minute || !this.isShared)',
    replace: '(sentIn === minute || sentIn !== minute)',
    tests: LIMITER,
  },
];
