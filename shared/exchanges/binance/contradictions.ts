import { AppError } from '../../domain/errors.ts';
import type { CallOptions } from '../exchange.ts';
import { MOST_CONTRADICTIONS } from './binance-options.ts';
import type { RestClient } from './rest-client.ts';

/**
 * Counts answers in a row that cannot all be true (an empty page below the newest row): each is asked again after a pause, none is believed. Too many of
 * them end the read with `exchange_unavailable`.
 */
export class Contradictions {
  readonly #client: RestClient;
  readonly #call: CallOptions;
  readonly #what: string;
  #count = 0;

  constructor(client: RestClient, call: CallOptions, what: string) {
    this.#client = client;
    this.#call = call;
    this.#what = what;
  }

  /** An answer that fits: the count starts anew. */
  settle(): void {
    this.#count = 0;
  }

  /** Another one; resolves when the next try is due. */
  async again(found: string): Promise<void> {
    this.#count += 1;
    if (this.#count >= MOST_CONTRADICTIONS)
      throw new AppError('exchange_unavailable', `The exchange's answers about ${this.#what} contradict each other: ${found}.`, {
        what: this.#what,
      });
    await this.#client.backOff(this.#count, this.#call.signal);
  }
}
