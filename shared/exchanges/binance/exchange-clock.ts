import type { Clock } from '../../runtime/context.ts';
import { CLOCK_KEPT_MS } from './binance-options.ts';

/** `Date` headers count whole seconds; one that is farther from `/time` than this comes from another clock and is not used. */
const TRUSTED_SKEW_MS = 2_500;
/** So long after its last proof the estimate is believed: a host's clock that was set meanwhile shows as a proof of another age. */
const PROVEN_MS = 15_000;
/** A correction of the estimate by more than this says that something was wrong with it. */
const SLIGHT_MS = 100;

/**
 * The exchange's clock, as far as it is known. `observed` is a time that the exchange itself said; `now()` is an estimate for windows and waits,
 * kept right between measurements by the `Date` headers. All times epoch ms.
 */
export class ExchangeClock {
  readonly #clock: Clock;
  #offset = 0;
  #trustsDate = false;
  #observed: number | undefined;
  #measuredAt: number | undefined;
  #provenAt: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The newest time that `/time` answered. The exchange's clock is at least there. */
  get observed(): number | undefined {
    return this.#observed;
  }

  /** When the offset was measured, by our clock. */
  get measuredAt(): number | undefined {
    return this.#measuredAt;
  }

  /** True where `/time` was read lately enough, and measured or borne out by a trusted `Date` a moment ago. */
  get isProven(): boolean {
    return this.#isWithin(PROVEN_MS, this.#provenAt) && this.#isWithin(CLOCK_KEPT_MS, this.#measuredAt);
  }

  /** Never ahead by more than the drift since the last measurement. Before the first one: our own clock. */
  now(): number {
    return this.#clock.now() + this.#offset;
  }

  /** Takes an answer of `/time`, read at `receivedAt` by our clock, with the `Date` header that came along. */
  measure(serverTime: number, receivedAt: number, date: number | undefined): void {
    this.#observed = serverTime;
    this.#measuredAt = receivedAt;
    this.#provenAt = receivedAt;
    this.#offset = serverTime - receivedAt;
    this.#trustsDate = date !== undefined && Math.abs(date - serverTime) < TRUSTED_SKEW_MS;
  }

  /** Corrects the estimate by the `Date` header of any answer: the answer was made within `[sentAt, receivedAt]`, in the second that `date` names. */
  noteDate(date: number | undefined, sentAt: number, receivedAt: number): void {
    if (date === undefined) return;
    if (this.#measuredAt === undefined) {
      this.#offset = date - receivedAt;
      return;
    }
    if (!this.#trustsDate) return;
    const before = this.#offset;
    if (receivedAt + this.#offset < date) this.#offset = date - receivedAt;
    else if (sentAt + this.#offset >= date + 1000) this.#offset = date + 999 - sentAt;
    if (Math.abs(this.#offset - before) > SLIGHT_MS) this.#provenAt = undefined;
    else if (this.#provenAt !== undefined && receivedAt >= sentAt && receivedAt - sentAt < TRUSTED_SKEW_MS) this.#provenAt = receivedAt;
  }

  /** Number of the exchange's minute that an answer belongs to: by its `Date` header where that can be trusted. */
  minuteOf(date: number | undefined): number {
    return Math.floor((date !== undefined && this.#trustsDate ? date : this.now()) / 60_000);
  }

  /** How long until the exchange's next full minute. */
  msToNextMinute(): number {
    return 60_000 - (((this.now() % 60_000) + 60_000) % 60_000);
  }

  #isWithin(ms: number, since: number | undefined): boolean {
    const age = since === undefined ? ms : this.#clock.now() - since;
    return age >= 0 && age < ms;
  }
}

/** A `Date` header in epoch ms. */
export function readDateHeader(value: string | undefined): number | undefined {
  const time = value === undefined ? Number.NaN : Date.parse(value);
  return Number.isNaN(time) ? undefined : time;
}
