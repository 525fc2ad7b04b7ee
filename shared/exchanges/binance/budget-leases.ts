import { type BudgetDocument, type BudgetFreeze, freezeLeft, freezeLeftUnchecked } from '../../domain/request-budget.ts';
import type { Clock } from '../../runtime/context.ts';
import type { RequestBudget } from '../request-budget.ts';
import { EDGE_MS, SPREAD_MS } from './binance-options.ts';
import type { ExchangeClock } from './exchange-clock.ts';
import { SharedRead } from './shared-read.ts';

/** Oldest sight of the shared document that a request may leave on: a second, less what the way to the exchange takes. */
const SEEN_MS = 900;
/** While work goes on the document is read again from this age on, beside the requests, so that none of them waits for it. */
const SEEN_AGAIN_MS = 450;
/** A lease ends this long before its minute: a request is counted when it arrives, and our estimate of the exchange's clock may be a little behind. */
const TAIL_MS = 500;
/** Another process's estimate of the exchange's clock may be ahead of ours: a freeze that is told ends this much later. */
const CLOCKS_APART_MS = 500;
/** Between two attempts to tell a freeze to a store that is away. */
const TELL_AGAIN_MS = 500;

/** What one request needs. */
export interface Need {
  readonly weight: number;
  readonly urgent: boolean;
  /** The queue id it is for. */
  readonly workflow?: string | undefined;
  /** It reads the exchange's clock, without which no minute is known: it passes without a lease and is counted with the next one. */
  readonly clockless?: boolean | undefined;
}

/** Used weight as a header told it, of a request that was asked and answered in this minute. */
export interface UsedWeight {
  readonly minute: number;
  readonly used: number;
}

interface Purse {
  minute: number;
  /** Leased and not spent yet. */
  left: number;
  /** Weight of all who wait for it. */
  wanted: number;
  /** When a refused one may ask again, by the exchange's clock. */
  retryAt: number;
  readonly asking: SharedRead;
}

/** The share of one process in the shared budget: the weight that it has leased, purse by purse, and what it knows of everybody's freeze. */
export class BudgetLeases {
  readonly #budget: RequestBudget;
  readonly #clock: Clock;
  readonly #exchangeClock: ExchangeClock;
  readonly #random: () => number;
  readonly #onDocument: (document: BudgetDocument, frozenMs: number) => void;
  readonly #closed = new AbortController();
  readonly #purses = new Map<string, Purse>();
  readonly #reading = new SharedRead();
  /** Spent before its minute was known. */
  #owed = 0;
  #seenAt = Number.NEGATIVE_INFINITY;
  #freeze = { until: 0, endsBy: 0 };

  constructor(options: {
    readonly budget: RequestBudget;
    readonly clock: Clock;
    readonly exchangeClock: ExchangeClock;
    readonly random: () => number;
    /** Told of every sight of the document, with how long its freeze holds for us, in ms. */
    readonly onDocument: (document: BudgetDocument, frozenMs: number) => void;
  }) {
    this.#budget = options.budget;
    this.#clock = options.clock;
    this.#exchangeClock = options.exchangeClock;
    this.#random = options.random;
    this.#onDocument = options.onDocument;
  }

  /**
   * Takes one step towards the weight: reads, leases, or says how long to wait before looking again (0: now). Undefined when `spend` would be granted.
   * Rejects with the signal's reason or what the budget throws.
   */
  async approach(
    need: Need,
    told: { readonly limit?: number; readonly used?: UsedWeight },
    signal?: AbortSignal,
  ): Promise<number | undefined> {
    if (!need.clockless && this.#isTail) return this.#exchangeClock.msToNextMinute() + EDGE_MS + this.#spread();
    if (need.clockless || this.#covers(need)) {
      if (this.#isFresh) return undefined;
      await this.#reading.join(() => this.#read(signal), signal);
      return 0;
    }
    const purse = this.#purseOf(need);
    const waitMs = purse.retryAt - this.#exchangeClock.now();
    if (waitMs > 0) return Math.min(waitMs, this.#exchangeClock.msToNextMinute()) + EDGE_MS + this.#spread();
    purse.wanted += need.weight;
    try {
      await purse.asking.join(() => this.#lease(purse, need, told, signal), signal);
      return 0;
    } finally {
      purse.wanted -= need.weight;
    }
  }

  /** Spends leased weight on a request that leaves now. False where it may not: no lease, the end of the minute, or too old a sight of the document. */
  spend(need: Need): boolean {
    if (!this.#isFresh) return false;
    if (need.clockless) {
      this.#owed += need.weight;
      return true;
    }
    if (this.#isTail || !this.#covers(need)) return false;
    this.#purseOf(need).left -= need.weight;
    if (this.#ageMs > SEEN_AGAIN_MS) this.#readBeside();
    return true;
  }

  /** Takes back what a request was given in `minute` and was never sent. */
  giveBack(need: Need, minute: number): void {
    if (need.clockless) this.#owed -= need.weight;
    else if (this.#purseOf(need).minute === minute) this.#purseOf(need).left += need.weight;
  }

  /** True where a request that was granted in `minute` may still leave. */
  maySend(minute: number, clockless: boolean): boolean {
    return this.#isFresh && (clockless || (!this.#isTail && minute === this.#exchangeClock.minuteOf(undefined)));
  }

  /** Tells everybody; tries again while the store is away, until the freeze is over. */
  tellFreeze(untilMs: number, by: string): void {
    const at = this.#exchangeClock.now();
    const measured = this.#exchangeClock.observed !== undefined;
    void this.#tell({ until: at + untilMs + CLOCKS_APART_MS, at, host_at: this.#clock.now(), by, measured });
  }

  close(): void {
    this.#closed.abort();
  }

  async #tell(freeze: BudgetFreeze): Promise<void> {
    const end = this.#clock.now() + freeze.until - freeze.at;
    while (!this.#closed.signal.aborted && this.#clock.now() < end) {
      try {
        this.#note(await this.#budget.freeze(freeze, this.#closed.signal));
        return;
      } catch {
        // Nobody gets weight from a store that is away: the freeze is only late where it is not needed.
        await this.#clock.sleep(TELL_AGAIN_MS, this.#closed.signal).catch(() => undefined);
      }
    }
  }

  async #read(signal: AbortSignal | undefined): Promise<void> {
    const document = await this.#budget.read(this.#until(signal));
    if (document === undefined) this.#seenAt = this.#clock.now();
    else this.#note(document);
  }

  #readBeside(): void {
    // Where it fails, the sight grows old and the next request meets the store itself.
    this.#reading.join(() => this.#read(undefined), undefined).catch(() => undefined);
  }

  async #lease(
    purse: Purse,
    { weight, urgent, workflow }: Need,
    { limit, used }: { readonly limit?: number; readonly used?: UsedWeight },
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const now = this.#exchangeClock.now();
    const minute = this.#exchangeClock.minuteOf(undefined);
    const owed = this.#owed;
    this.#owed = 0;
    const demand = {
      ...{ now, weight: weight + owed, wanted: purse.wanted + owed, urgent },
      ...(workflow === undefined ? {} : { workflow }),
      ...(limit === undefined ? {} : { limit }),
      ...(used?.minute === minute ? { used: used.used } : {}),
      ...(this.#freeze.until > 0 && this.#freeze.endsBy <= this.#clock.now() ? { outlived: this.#freeze.until } : {}),
    };
    let granted = 0;
    try {
      const grant = await this.#budget.lease(demand, this.#until(signal));
      granted = grant.granted;
      purse.retryAt = grant.retry_at ?? 0;
      this.#note(grant.document);
    } finally {
      if (granted === 0) this.#owed += owed;
    }
    if (granted === 0) return;
    if (purse.minute !== minute) purse.left = 0;
    purse.minute = minute;
    purse.left += granted - owed;
  }

  #note(document: BudgetDocument): void {
    const now = this.#clock.now();
    this.#seenAt = now;
    const isMeasured = this.#exchangeClock.observed !== undefined;
    const leftMs = isMeasured ? freezeLeft(document, this.#exchangeClock.now()) : freezeLeftUnchecked(document, now);
    // Whatever becomes of the guess at the exchange's clock: from the first sight on it lasts as long as it was told for, and no longer.
    const endsBy = now + freezeLeft(document, Number.NEGATIVE_INFINITY);
    if (document.frozen_until !== this.#freeze.until) this.#freeze = { until: document.frozen_until, endsBy };
    this.#onDocument(document, Math.min(leftMs, this.#freeze.endsBy - now));
  }

  #purseOf({ urgent, workflow = '' }: Need): Purse {
    const key = urgent ? 'urgent' : `for ${workflow}`;
    const known = this.#purses.get(key);
    if (known !== undefined) return known;
    const minute = this.#exchangeClock.minuteOf(undefined);
    // Workflows come and go: whoever has nothing to spend and nobody who waits is forgotten.
    for (const [name, purse] of this.#purses) if (purse.minute < minute - 1 && purse.wanted === 0) this.#purses.delete(name);
    const purse: Purse = { minute, left: 0, wanted: 0, retryAt: 0, asking: new SharedRead() };
    this.#purses.set(key, purse);
    return purse;
  }

  #covers(need: Need): boolean {
    const purse = this.#purseOf(need);
    return purse.minute === this.#exchangeClock.minuteOf(undefined) && purse.left >= need.weight;
  }

  get #isTail(): boolean {
    return this.#exchangeClock.msToNextMinute() <= TAIL_MS;
  }

  get #ageMs(): number {
    return this.#clock.now() - this.#seenAt;
  }

  get #isFresh(): boolean {
    return this.#ageMs >= 0 && this.#ageMs <= SEEN_MS;
  }

  #until(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#closed.signal : AbortSignal.any([signal, this.#closed.signal]);
  }

  #spread(): number {
    return Math.floor(this.#random() * SPREAD_MS);
  }
}
