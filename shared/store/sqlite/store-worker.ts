// The store's thread: opens store.db, takes calls from the main thread, answers each one.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { type Database, openDatabase, type StoreOptions } from './database.ts';
import type { FromWorker, Operation, SentError, ToWorker } from './operation.ts';
import { createOperations } from './operations.ts';
import { type Job, Scheduler } from './scheduler.ts';
import { toStoreError } from './sqlite-error.ts';

const port = parentPort as MessagePort;
const options = workerData as StoreOptions;

function send(message: FromWorker, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

function sent(error: unknown, doing: string): SentError {
  const { code, message, context, cause } = toStoreError(error, doing);
  return { code, message, context, ...(cause instanceof Error ? { cause: cause.stack ?? cause.message } : {}) };
}

/** Buffers of an answer that move to the main thread instead of being copied. */
function buffersOf(value: unknown): ArrayBuffer[] {
  const slots = value instanceof Float64Array ? value : (value as { slots?: unknown } | null | undefined)?.slots;
  return slots instanceof Float64Array && slots.byteLength > 0 ? [slots.buffer as ArrayBuffer] : [];
}

function serve(database: Database): void {
  const { operations, forget } = createOperations(database);
  const scheduler = new Scheduler(database, forget);
  const jobs = new Map<number, Job>();
  port.on('message', (message: ToWorker) => {
    if ('close' in message) {
      scheduler.whenIdle(() => {
        database.close();
        port.close();
      });
    } else if ('cancel' in message) {
      const job = jobs.get(message.cancel);
      if (job !== undefined) scheduler.cancel(job);
      jobs.delete(message.cancel);
    } else {
      const { call, name, args } = message;
      const job: Job = {
        operation: operations[name as keyof typeof operations] as Operation<unknown, unknown>,
        args,
        resolve(value) {
          jobs.delete(call);
          send({ call, value }, buffersOf(value));
        },
        reject(error) {
          jobs.delete(call);
          send({ call, error: sent(error, `${name} in ${options.dir}`) });
        },
      };
      jobs.set(call, job);
      scheduler.add(job);
    }
  });
  send({ opened: true });
}

try {
  serve(openDatabase(options));
} catch (error) {
  send({ error: sent(error, `opening the store in ${options.dir}`) });
}
