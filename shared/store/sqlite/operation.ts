/**
 * Runs inside a grouped transaction. It may be run again from the start, so it leaves its arguments as they are. A `bulk` of many rows lets the writes of a
 * few documents pass: somebody waits for each of those before the next step of a workflow.
 */
export interface WriteOperation<Args, Result> {
  readonly mode: 'write' | 'bulk';
  run(args: Args): Result;
}

/** Runs between two groups of writes; short: a page of rows, a few documents. */
export interface ReadOperation<Args, Result> {
  readonly mode: 'read';
  run(args: Args): Result;
}

/** A long read in short steps: writes and other reads run between them. It may be cancelled after any step. */
export interface SteppedOperation<Args, Result> {
  readonly mode: 'steps';
  run(args: Args): Generator<void, Result, void>;
}

/** Anything that the store's thread can be asked to do. */
export type Operation<Args, Result> = WriteOperation<Args, Result> | ReadOperation<Args, Result> | SteppedOperation<Args, Result>;

/** Declares a write. */
export function write<Args, Result>(run: (args: Args) => Result): WriteOperation<Args, Result> {
  return { mode: 'write', run };
}

/** Declares a write of many rows. */
export function bulk<Args, Result>(run: (args: Args) => Result): WriteOperation<Args, Result> {
  return { mode: 'bulk', run };
}

/** Declares a short read. */
export function read<Args, Result>(run: (args: Args) => Result): ReadOperation<Args, Result> {
  return { mode: 'read', run };
}

/** Declares a long read: it gives way at every `yield`. */
export function steps<Args, Result>(run: (args: Args) => Generator<void, Result, void>): SteppedOperation<Args, Result> {
  return { mode: 'steps', run };
}

/** What the main thread sends: one call by its number, the withdrawal of one, or the end. */
export type ToWorker =
  | { readonly call: number; readonly name: string; readonly args: unknown }
  | { readonly cancel: number }
  | { readonly close: true };

/** An error on its way between threads. */
export interface SentError {
  readonly code: string;
  readonly message: string;
  readonly context: Readonly<Record<string, unknown>>;
  readonly cause?: string;
}

/** What the worker answers: that it is open, or the outcome of a call; an error without a call is one of opening. */
export type FromWorker =
  | { readonly opened: true }
  | { readonly call: number; readonly value: unknown }
  | { readonly call?: number; readonly error: SentError };
