import { setTimeout as sleep } from 'node:timers/promises';
import { isRetryable } from '../../domain/errors.ts';
import { closedError, within } from './deadline.ts';
import { type Attempt, toBusError } from './kafka-errors.ts';

/** What can be connected: a cluster, an admin client. */
export interface Connectable {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
}

const TRIES = 4;
const FIRST_PAUSE_MS = 150;
const DISCONNECT_MS = 3_000;

/**
 * A connection that is made when it is first asked and made anew after a failure. Every call has a deadline; what may be cured by another try is tried again
 * a few times, and then fails with the platform's error.
 */
export class Connection<T extends Connectable> {
  readonly #create: () => T;
  readonly #callMs: number;
  #current: Promise<T> | undefined;
  #closed = false;

  constructor(create: () => T, callMs: number) {
    this.#create = create;
    this.#callMs = callMs;
  }

  async call<R>(attempt: Attempt, work: (client: T) => Promise<R>): Promise<R> {
    for (let tries = 1; ; tries++) {
      if (this.#closed) throw closedError();
      this.#current ??= this.#connect();
      const current = this.#current;
      try {
        return await within(this.#callMs, `To ${attempt.doing}`, current.then(work));
      } catch (error) {
        const failure = toBusError(error, attempt);
        if (isRetryable(failure)) this.#drop(current);
        if (tries >= TRIES || !isRetryable(failure) || this.#closed) throw this.#closed ? closedError() : failure;
        await sleep(FIRST_PAUSE_MS * tries);
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const current = this.#current;
    this.#current = undefined;
    if (current !== undefined) await disconnect(current);
  }

  async #connect(): Promise<T> {
    const client = this.#create();
    await client.connect();
    return client;
  }

  #drop(client: Promise<T>): void {
    if (this.#current === client) this.#current = undefined;
    void disconnect(client);
  }
}

/** Ends a connection without a word: whoever ends one has no more questions. */
export async function disconnect(client: Connectable | Promise<Connectable>): Promise<void> {
  const ending = Promise.resolve(client).then((each) => each.disconnect());
  await within(DISCONNECT_MS, 'Disconnecting', ending).catch(() => undefined);
}
