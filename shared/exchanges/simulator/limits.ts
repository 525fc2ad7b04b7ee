import { MINUTE_MS } from './buckets.ts';
import type { SimulatorClock } from './clock.ts';

/** Calls that may still come after the first 429 before the address is banned: those that were on their way. */
const EXCUSED_CALLS = 30;
const FIRST_BAN_MS = 2 * MINUTE_MS;
const LONGEST_BAN_MS = 3 * 24 * 60 * MINUTE_MS;

/** Why a call is not served. */
export interface Refusal {
  readonly status: 429 | 418;
  readonly retryAfterSeconds: number;
  readonly body: string;
}

/**
 * Request weight by the minute of the simulator's own clock: 429 above the limit, 418 for going on. A refused call weighs as well. Bans double
 * from two minutes to three days, as the exchange says of its own.
 */
export class WeightLimits {
  readonly limit: number;
  readonly #clock: SimulatorClock;
  #minute = Number.NEGATIVE_INFINITY;
  #used = 0;
  #refused = 0;
  #bans = 0;
  #bannedUntil = Number.NEGATIVE_INFINITY;

  constructor(limit: number, clock: SimulatorClock) {
    this.limit = limit;
    this.#clock = clock;
  }

  /** Weight used in the running minute: the `X-MBX-USED-WEIGHT-1M` of every answer. */
  get used(): number {
    return this.#used;
  }

  /** Counts a call; a refusal where it must not be served. */
  charge(weight: number): Refusal | undefined {
    const now = this.#clock.now();
    const minute = Math.floor(now / MINUTE_MS);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#used = 0;
      this.#refused = 0;
    }
    this.#used += weight;
    if (now < this.#bannedUntil) return this.#ban(now);
    if (this.#used <= this.limit) return undefined;
    this.#refused += 1;
    if (this.#refused <= EXCUSED_CALLS + 1) return this.#tooMuch((minute + 1) * MINUTE_MS - now);
    this.#bannedUntil = now + Math.min(LONGEST_BAN_MS, FIRST_BAN_MS * 2 ** this.#bans);
    this.#bans += 1;
    return this.#ban(now);
  }

  #tooMuch(waitMs: number): Refusal {
    const message = `Too much request weight used; current limit is ${this.limit} request weight per 1 MINUTE. Please use WebSocket Streams for live updates to avoid polling the API.`;
    return { status: 429, retryAfterSeconds: this.#seconds(waitMs), body: tooManyRequests(message) };
  }

  #ban(now: number): Refusal {
    const message = `Way too much request weight used; IP banned until ${this.#bannedUntil}. Please use WebSocket Streams for live updates to avoid bans.`;
    return { status: 418, retryAfterSeconds: this.#seconds(this.#bannedUntil - now), body: tooManyRequests(message) };
  }

  /** What the caller has to wait by its own clock, at least a second. */
  #seconds(ms: number): number {
    return Math.max(1, Math.ceil(this.#clock.wallMs(ms) / 1_000));
  }
}

function tooManyRequests(message: string): string {
  return JSON.stringify({ code: -1003, msg: message });
}
