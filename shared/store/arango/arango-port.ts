import { AppError } from '../../domain/errors.ts';
import type { ArangoClient, ArangoRequest, BindValues, CallOptions } from './arango-client.ts';

/** One store's way to the client. A closed port answers no more; the client closes with its last port. */
export class ArangoPort {
  /** Asks without looking whether the port is open: for requests of work that began as `whole`. */
  readonly client: ArangoClient;
  readonly #left: () => Promise<void>;
  #closing: Promise<void> | undefined;

  constructor(client: ArangoClient, left: () => Promise<void>) {
    this.client = client;
    this.#left = left;
  }

  get retryForMs(): number {
    return this.client.options.retryForMs;
  }

  async query<Item>(doing: string, text: string, bind?: BindValues, options?: CallOptions): Promise<readonly Item[]> {
    this.#check(doing);
    return this.client.query<Item>(doing, text, bind, options);
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
    for await (const page of this.client.pages<Item>(doing, text, bind, size, signal)) {
      yield page;
      this.#check(doing);
    }
  }

  async import(
    doing: string,
    collection: string,
    lines: readonly string[],
    search: Readonly<Record<string, string>>,
    options?: CallOptions,
  ): Promise<number> {
    this.#check(doing);
    return this.client.import(doing, collection, lines, search, options);
  }

  async send<Body>(doing: string, request: ArangoRequest): Promise<Body> {
    this.#check(doing);
    return this.client.send<Body>(doing, request);
  }

  /** Work that a close waits for to its end; what it asks it asks of `client`. */
  async whole<Outcome>(doing: string, work: () => Promise<Outcome>): Promise<Outcome> {
    this.#check(doing);
    return this.client.whole(work());
  }

  async close(): Promise<void> {
    this.#closing ??= this.#left();
    return this.#closing;
  }

  #check(doing: string): void {
    if (this.#closing !== undefined)
      throw new AppError('store_unavailable', `${doing}: the store in ${this.client.options.url} is closed.`);
  }
}
