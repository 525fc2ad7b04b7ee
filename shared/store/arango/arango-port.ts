import { AppError } from '../../domain/errors.ts';
import type { ArangoClient, ArangoRequest, BindValues, CallOptions } from './arango-client.ts';

/** One store's way to the client. A closed port answers no more; the client closes with its last port. */
export class ArangoPort {
  readonly #client: ArangoClient;
  readonly #left: () => Promise<void>;
  #open = true;

  constructor(client: ArangoClient, left: () => Promise<void>) {
    this.#client = client;
    this.#left = left;
  }

  get retryForMs(): number {
    return this.#client.options.retryForMs;
  }

  async query<Item>(doing: string, text: string, bind?: BindValues, options?: CallOptions): Promise<readonly Item[]> {
    if (options?.begun !== true) this.#check(doing);
    return this.#client.query<Item>(doing, text, bind, options);
  }

  /** The only item of a result that has one. */
  async one<Item>(doing: string, text: string, bind?: BindValues, options?: CallOptions): Promise<Item> {
    return (await this.query<Item>(doing, text, bind, options))[0] as Item;
  }

  async *pages<Item>(
    doing: string,
    text: string,
    bind: BindValues,
    size: number,
    signal?: AbortSignal,
  ): AsyncGenerator<readonly Item[], void, void> {
    this.#check(doing);
    yield* this.#client.pages<Item>(doing, text, bind, size, signal);
  }

  async import(
    doing: string,
    collection: string,
    lines: readonly string[],
    search: Readonly<Record<string, string>>,
    options?: CallOptions,
  ): Promise<number> {
    if (options?.begun !== true) this.#check(doing);
    return this.#client.import(doing, collection, lines, search, options);
  }

  async send<Body>(doing: string, request: ArangoRequest): Promise<Body> {
    this.#check(doing);
    return this.#client.send<Body>(doing, request);
  }

  /** Work that a close waits for, the last request of it included. */
  async whole<Outcome>(doing: string, work: () => Promise<Outcome>): Promise<Outcome> {
    this.#check(doing);
    return this.#client.whole(doing, work);
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.#left();
  }

  #check(doing: string): void {
    if (!this.#open) throw new AppError('store_unavailable', `${doing}: the store in ${this.#client.options.url} is closed.`);
  }
}
