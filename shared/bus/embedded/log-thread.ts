import { Worker } from 'node:worker_threads';
import { AppError } from '../../domain/errors.ts';
import type { Failure, LogCallName, LogCalls, LogOptions, LogReply, LogSnapshot } from './protocol.ts';

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: AppError) => void;
}

/** The bus's side of the log's thread: calls with replies, in order. */
export class LogThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  #next = 1;
  #failure: AppError | undefined;
  #closing = false;
  readonly #onFailure: (failure: AppError) => void;

  /** Starts the thread and opens the log. Throws `data_dir_locked`, `invalid_setting`, `storage_full` or `bus_unavailable`. */
  static async open(options: LogOptions, onFailure: (failure: AppError) => void): Promise<{ thread: LogThread; snapshot: LogSnapshot }> {
    const thread = new LogThread(options, onFailure);
    try {
      const snapshot = await new Promise<LogSnapshot>((resolve, reject) => thread.#waiting.set(0, { resolve, reject }));
      return { thread, snapshot };
    } catch (error) {
      thread.#closing = true;
      await thread.#worker.terminate();
      throw error;
    }
  }

  private constructor(options: LogOptions, onFailure: (failure: AppError) => void) {
    this.#onFailure = onFailure;
    this.#worker = new Worker(new URL('./log-worker.ts', import.meta.url), { name: 'bus-log', workerData: options });
    this.#worker.on('message', (reply: LogReply) => this.#settle(reply));
    this.#worker.on('error', (error) => this.#fail(options.path, error));
    this.#exited = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#fail(options.path);
        resolve();
      });
    });
  }

  /** What ended the thread, if anything did. */
  get failure(): AppError | undefined {
    return this.#failure;
  }

  /** Runs one call. Rejects with the error of the log, or `bus_unavailable` when the thread is gone. */
  call<K extends LogCallName>(
    name: K,
    request: LogCalls[K]['request'],
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<LogCalls[K]['reply']> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const number = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      this.#worker.postMessage({ number, name, request }, transfer);
    });
  }

  /** Closes the log behind all calls before, and ends the thread. */
  async close(): Promise<void> {
    this.#closing = true;
    try {
      if (this.#failure === undefined) await this.call('close', null);
    } finally {
      await this.#exited;
    }
  }

  #settle(reply: LogReply): void {
    const waiting = this.#waiting.get(reply.number);
    this.#waiting.delete(reply.number);
    if ('failure' in reply) waiting?.reject(toAppError(reply.failure));
    else waiting?.resolve(reply.value as never);
  }

  #fail(path: string, cause?: Error): void {
    if (this.#failure !== undefined) return;
    const reason = this.#closing ? 'is closed' : `stopped: its thread ended${cause === undefined ? '' : ` with "${cause.message}"`}`;
    this.#failure = new AppError('bus_unavailable', `The log ${path} ${reason}. Open the bus again.`, { path }, cause);
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
    if (!this.#closing) this.#onFailure(this.#failure);
  }
}

function toAppError({ code, message, context, cause }: Failure): AppError {
  return new AppError(code, message, context, cause === undefined ? undefined : new Error(cause));
}
