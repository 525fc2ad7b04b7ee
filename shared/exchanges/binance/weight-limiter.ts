import type { BudgetDocument } from '../../domain/request-budget.ts';
import type { Clock } from '../../runtime/context.ts';
import type { RequestBudget } from '../request-budget.ts';
import { ASSUMED_WEIGHT_LIMIT, EDGE_MS, SPREAD_MS } from './binance-options.ts';
import { BudgetLeases, type Need, type UsedWeight } from './budget-leases.ts';
import type { ExchangeClock } from './exchange-clock.ts';

/**
 * The request weight of one address, shared by all callers of one adapter. Windows are the exchange's full minutes. What the exchange's header says
 * is believed; requests without an answer yet are added to it, so the sum is never too low. A freeze holds for everyone. With a shared budget a request
 * also needs leased weight, and everyone is every process behind the address.
 */
export class WeightLimiter {
  readonly #clock: Clock;
  readonly #exchangeClock: ExchangeClock;
  readonly #random: () => number;
  readonly #reserve: number;
  readonly #leases: BudgetLeases | undefined;
  #limit = ASSUMED_WEIGHT_LIMIT;
  /** What the exchange itself has told us. */
  #toldLimit: number | undefined;
  #toldUse: UsedWeight | undefined;
  #minute = 0;
  /** Weight that the exchange has counted in this minute, by its header. */
  #answered = 0;
  #inFlight = 0;
  #frozenUntil = 0;

  constructor(options: {
    readonly clock: Clock;
    readonly exchangeClock: ExchangeClock;
    readonly random: () => number;
    readonly reserve: number;
    readonly budget?: RequestBudget | undefined;
  }) {
    this.#clock = options.clock;
    this.#exchangeClock = options.exchangeClock;
    this.#random = options.random;
    this.#reserve = options.reserve;
    if (options.budget !== undefined) {
      const onDocument = (document: BudgetDocument, frozenMs: number): void => this.#follow(document, frozenMs);
      this.#leases = new BudgetLeases({ ...options, budget: options.budget, onDocument });
    }
  }

  /** True where all processes behind the address share one budget: the exchange's clock must be known then before anything is asked. */
  get isShared(): boolean {
    return this.#leases !== undefined;
  }

  /** The exchange's limit per minute, as `exchangeInfo` tells it. */
  setLimit(limit: number): void {
    this.#toldLimit = limit;
    this.#limit = limit;
  }

  /** Weight believed to be used in the running minute. */
  get used(): number {
    const minute = this.#exchangeClock.minuteOf(undefined);
    this.#turn(minute);
    // The exchange's clock was found to be behind our estimate: its old window still holds.
    this.#minute = minute;
    return this.#answered + this.#inFlight;
  }

  /** Until when nothing may be sent, epoch ms by our clock; undefined when nothing holds. */
  get frozenUntil(): number | undefined {
    return this.#frozenUntil > this.#clock.now() ? this.#frozenUntil : undefined;
  }

  /** Nobody sends anything before `until` (epoch ms, our clock), in no process. A freeze only ever grows. */
  freeze(until: number, by: string): void {
    this.#frozenUntil = Math.max(this.#frozenUntil, until);
    this.#leases?.tellFreeze(until - this.#clock.now(), by);
  }

  /** Takes weight for one request, or says that it has to wait. The urgent may use the reserve. */
  take(need: Need): boolean {
    if (this.frozenUntil !== undefined || this.#isClockless(need) || !this.#fits(need)) return false;
    if (this.#leases !== undefined && !this.#leases.spend(need)) return false;
    this.#inFlight += need.weight;
    return true;
  }

  /** Asked when the first byte of a request that was granted in `minute` is about to leave. */
  maySend(need: Need, minute: number): boolean {
    return this.frozenUntil === undefined && (this.#leases?.maySend(minute, need.clockless === true) ?? true);
  }

  /**
   * Resolves when `take` would be granted, or with false where the exchange's clock has to be read first. Rejects with the signal's reason, or with what
   * the shared budget throws.
   */
  async wait(need: Need, signal?: AbortSignal): Promise<boolean> {
    for (;;) {
      signal?.throwIfAborted();
      const frozen = this.frozenUntil;
      if (frozen !== undefined) {
        await this.#clock.sleep(frozen - this.#clock.now(), signal);
        continue;
      }
      if (this.#isClockless(need)) return false;
      if (!this.#fits(need)) {
        await this.#clock.sleep(this.#exchangeClock.msToNextMinute() + EDGE_MS + Math.floor(this.#random() * SPREAD_MS), signal);
        continue;
      }
      const pauseMs = await this.#leases?.approach(need, this.#told(), signal);
      if (pauseMs === undefined) return true;
      if (pauseMs > 0) await this.#clock.sleep(pauseMs, signal);
    }
  }

  /**
   * A request of this weight ended. `header` is the used weight that its answer told, `minute` the exchange's minute of the answer, `sentIn` that of the
   * request. Without an answer the weight counts all the same: the exchange may have seen the request.
   */
  settle(weight: number, header: number | undefined, minute: number, sentIn = minute): void {
    this.#inFlight -= weight;
    this.#turn(minute);
    if (header === undefined) this.#answered += weight;
    // Over the edge of a minute nobody knows whose count it is: alone it is believed, and with leases the other processes would be held up by it.
    else if (minute === this.#minute && (sentIn === minute || !this.isShared)) {
      this.#answered = Math.max(this.#answered, header);
      this.#toldUse = { minute, used: this.#answered };
    }
  }

  /** Gives back the weight of a request that was granted in `minute` and never sent. */
  giveBack(need: Need, minute: number): void {
    this.#inFlight -= need.weight;
    this.#leases?.giveBack(need, minute);
  }

  close(): void {
    this.#leases?.close();
  }

  #told(): { readonly limit?: number; readonly used?: UsedWeight } {
    return {
      ...(this.#toldLimit === undefined ? {} : { limit: this.#toldLimit }),
      ...(this.#toldUse === undefined ? {} : { used: this.#toldUse }),
    };
  }

  /** What another process has learned. */
  #follow(document: BudgetDocument, frozenMs: number): void {
    if (this.#toldLimit === undefined) this.#limit = document.limit;
    if (frozenMs > 0) this.#frozenUntil = Math.max(this.#frozenUntil, this.#clock.now() + frozenMs);
  }

  /** No window is known for it, and it is not what makes one known. */
  #isClockless(need: Need): boolean {
    return this.isShared && need.clockless !== true && !this.#exchangeClock.isProven;
  }

  #fits({ weight, urgent }: Need): boolean {
    const budget = urgent ? this.#limit : Math.floor(this.#limit * (1 - this.#reserve));
    // A single request above the whole budget must still be possible, at the head of a minute.
    return this.used + weight <= budget || this.used === 0;
  }

  #turn(minute: number): void {
    if (minute <= this.#minute) return;
    this.#minute = minute;
    this.#answered = 0;
  }
}
