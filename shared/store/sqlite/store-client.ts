import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { AppError, type ErrorCode } from '../../domain/errors.ts';
import type { StoreOptions } from './database.ts';
import type { FromWorker, Operation, SentError, ToWorker } from './operation.ts';
import type { Operations } from './operations.ts';

/** What a call may carry beside its arguments: buffers that move to the store's thread and are gone here, and the signal that ends the wait. */
interface CallOptions {
  readonly transfer?: readonly ArrayBuffer[];
  readonly signal?: AbortSignal | undefined;
}

/** One port's way to the store's thread. A closed port answers no more; the store closes with its last port. */
export interface StorePort {
  /** Runs one operation. An abort rejects with the signal's reason at once; a write that was sent may still be done. */
  call<Name extends keyof Operations>(
    name: Name,
    args: ArgsOf<Operations[Name]>,
    options?: CallOptions,
  ): Promise<ResultOf<Operations[Name]>>;
  close(): Promise<void>;
}

type ArgsOf<O> = O extends Operation<infer Args, infer _Result> ? Args : never;
type ResultOf<O> = O extends Operation<infer _Args, infer Result> ? Result : never;

interface Pending {
  resolve(value: never): void;
  reject(error: unknown): void;
}

/**
 * The store's thread as seen from the main one: calls by name, answers in the order in which they are done. The thread keeps the process alive only
 * while a call is open. Every call of a closed store, or of one whose thread died, fails with `store_unavailable`.
 */
export class StoreClient {
  readonly #worker: Worker;
  readonly #dir: string;
  readonly #pending = new Map<number, Pending>();
  #lastCall = 0;
  #openPorts = 0;
  #closing: Promise<void> | undefined;
  #broken: AppError | undefined;

  private constructor(worker: Worker, dir: string) {
    this.#worker = worker;
    this.#dir = dir;
    worker.on('message', (message: FromWorker) => this.#receive(message));
    worker.on('error', (error) => this.#break(error));
    worker.on('exit', () => this.#break(new Error('its thread ended')));
  }

  /** Starts the thread `script` on a store. Rejects with what `openDatabase` throws. */
  static async start(options: StoreOptions, script = new URL('./store-worker.ts', import.meta.url)): Promise<StoreClient> {
    const worker = new Worker(script, { workerData: options, name: 'streamforge store' });
    const [message] = (await once(worker, 'message').catch((error: unknown) => {
      throw new AppError(
        'store_unavailable',
        `The store in ${options.dir} cannot be opened: its thread did not start.`,
        { dir: options.dir },
        error,
      );
    })) as [FromWorker];
    if ('error' in message) {
      await worker.terminate();
      throw receivedError(message.error);
    }
    worker.unref();
    return new StoreClient(worker, options.dir);
  }

  /** Another way in; the thread ends with the last one. */
  openPort(): StorePort {
    let open = true;
    this.#openPorts += 1;
    return {
      call: (name, args, options) => (open ? this.#call(name, args, options) : Promise.reject(this.#unavailable('it is closed'))),
      close: async () => {
        if (!open) return;
        open = false;
        this.#openPorts -= 1;
        if (this.#openPorts === 0) await this.close();
      },
    };
  }

  #call<Name extends keyof Operations>(
    name: Name,
    args: ArgsOf<Operations[Name]>,
    { transfer = [], signal }: CallOptions = {},
  ): Promise<ResultOf<Operations[Name]>> {
    return new Promise((resolve, reject) => {
      if (this.#closing !== undefined) throw this.#unavailable('it is closed');
      if (this.#broken !== undefined) throw this.#broken;
      signal?.throwIfAborted();
      const call = ++this.#lastCall;
      const abort = (): void => {
        this.#settle(call);
        this.#send({ cancel: call });
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', abort, { once: true });
      const end = (): void => signal?.removeEventListener('abort', abort);
      const pending: Pending = {
        resolve: (value) => {
          end();
          resolve(value);
        },
        reject: (error) => {
          end();
          reject(error);
        },
      };
      if (this.#pending.size === 0) this.#worker.ref();
      this.#pending.set(call, pending);
      this.#send({ call, name, args }, transfer);
    });
  }

  /** Ends the thread after everything that was called is done. */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    if (this.#broken !== undefined) return;
    this.#worker.ref();
    const ended = once(this.#worker, 'exit');
    this.#send({ close: true });
    await ended;
  }

  #send(message: ToWorker, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #receive(message: FromWorker): void {
    if (!('call' in message) || message.call === undefined) return;
    const pending = this.#settle(message.call);
    if ('error' in message) pending?.reject(receivedError(message.error));
    else pending?.resolve(message.value as never);
  }

  #settle(call: number): Pending | undefined {
    const pending = this.#pending.get(call);
    this.#pending.delete(call);
    if (this.#pending.size === 0 && this.#closing === undefined) this.#worker.unref();
    return pending;
  }

  #break(cause: Error): void {
    this.#broken ??= this.#unavailable(cause.message, cause);
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(this.#broken);
  }

  #unavailable(why: string, cause?: unknown): AppError {
    return new AppError('store_unavailable', `The store in ${this.#dir} cannot be used: ${why}.`, { dir: this.#dir }, cause);
  }
}

function receivedError({ code, message, context, cause }: SentError): AppError {
  return new AppError(code as ErrorCode, message, context, cause === undefined ? undefined : new Error(cause));
}
