import type { Clock } from '../../runtime/context.ts';
import { ASSUMED_WEIGHT_LIMIT } from './binance-options.ts';
import type { ExchangeClock } from './exchange-clock.ts';

/** Past the exchange's minute edge by this much, so that a clock a little behind ours has turned too. */
const EDGE_MS = 50;
/** Callers that waited for one minute do not come back in one instant. */
const SPREAD_MS = 200;

/**
 * The request weight of one address, shared by all callers of one adapter. Windows are the exchange's full minutes. What the exchange's header says
 * is believed; requests without an answer yet are added to it, so the sum is never too low. A freeze holds for everyone.
 */
export class WeightLimiter {
  readonly #clock: Clock;
  readonly #exchangeClock: ExchangeClock;
  readonly #random: () => number;
  readonly #reserve: number;
  #limit = ASSUMED_WEIGHT_LIMIT;
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
  }) {
    this.#clock = options.clock;
    this.#exchangeClock = options.exchangeClock;
    this.#random = options.random;
    this.#reserve = options.reserve;
  }

  /** The exchange's limit per minute, as `exchangeInfo` tells it. */
  setLimit(limit: number): void {
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

  /** Nobody sends anything before `until` (epoch ms, our clock). A freeze only ever grows. */
  freeze(until: number): void {
    this.#frozenUntil = Math.max(this.#frozenUntil, until);
  }

  /** Takes weight for one request, or says that it has to wait. `urgent` may use the reserve. */
  take(weight: number, urgent: boolean): boolean {
    if (this.frozenUntil !== undefined || !this.#fits(weight, urgent)) return false;
    this.#inFlight += weight;
    return true;
  }

  /** Resolves when `take` would be granted; rejects with the signal's reason. */
  async wait(weight: number, urgent: boolean, signal?: AbortSignal): Promise<void> {
    for (;;) {
      signal?.throwIfAborted();
      const frozen = this.frozenUntil;
      if (frozen !== undefined) await this.#clock.sleep(frozen - this.#clock.now(), signal);
      else if (this.#fits(weight, urgent)) return;
      else await this.#clock.sleep(this.#exchangeClock.msToNextMinute() + EDGE_MS + Math.floor(this.#random() * SPREAD_MS), signal);
    }
  }

  /**
   * A request of this weight ended. `header` is the used weight that its answer told, `minute` the exchange's minute of the answer. Without an answer the
   * weight counts all the same: the exchange may have seen the request.
   */
  settle(weight: number, header: number | undefined, minute: number): void {
    this.#inFlight -= weight;
    this.#turn(minute);
    if (header === undefined) this.#answered += weight;
    else if (minute === this.#minute) this.#answered = Math.max(this.#answered, header);
  }

  /** Gives back weight of a request that was never sent. */
  giveBack(weight: number): void {
    this.#inFlight -= weight;
  }

  #fits(weight: number, urgent: boolean): boolean {
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
