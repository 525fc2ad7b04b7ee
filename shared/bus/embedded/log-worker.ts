import { type MessagePort, parentPort, type TransferListItem, workerData } from 'node:worker_threads';
import { AppError } from '../../domain/errors.ts';
import { LogDatabase } from './log-database.ts';
import type { Failure, LogCall, LogOptions, LogReply } from './protocol.ts';

/** The codes of SQLite that mean something to a caller (https://www.sqlite.org/rescode.html). */
const SQLITE_BUSY = 5;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;

/** More buffers than this are joined into one: then they are small, as a reply ends when its bytes are reached. */
const MAX_TRANSFERS = 16;

/** Serves the log from its own thread: one call after the other, in the order in which they came. */
function serve(port: MessagePort, options: LogOptions): void {
  const answer = (reply: LogReply, transfer: readonly TransferListItem[] = []): void => port.postMessage(reply, transfer);
  let log: LogDatabase;
  try {
    log = new LogDatabase(options);
    answer({ number: 0, value: log.snapshot() });
  } catch (error) {
    answer({ number: 0, failure: toFailure(error, options.path) });
    return;
  }
  port.on('message', (call: LogCall) => {
    try {
      const { value, transfer } = perform(log, call);
      answer({ number: call.number, value }, transfer);
    } catch (error) {
      answer({ number: call.number, failure: toFailure(error, options.path) });
    }
    if (call.name === 'close') port.close();
  });
}

function perform(log: LogDatabase, call: LogCall): { readonly value: unknown; readonly transfer?: readonly TransferListItem[] } {
  switch (call.name) {
    case 'write': {
      const value = log.write(call.request);
      return { value, transfer: [value.buffer] };
    }
    case 'read': {
      const { base, next, chunks } = log.read(call.request);
      const whole = joinSmall(chunks);
      return { value: { base, next, chunks: whole }, transfer: whole.map(({ buffer }) => buffer) };
    }
    case 'createTopics':
      return { value: log.createTopics(call.request) };
    case 'retain':
      return { value: log.retain(call.request) };
    case 'moveOffsets':
      return { value: log.moveOffsets(call.request) };
    case 'deleteGroup':
      return { value: log.deleteGroup(call.request) };
    case 'close':
      return { value: log.close() };
    default:
      throw call satisfies never;
  }
}

/** Handing over a buffer costs more than copying a small one, and less than copying a large one. */
function joinSmall(chunks: readonly Uint8Array<ArrayBuffer>[]): readonly Uint8Array<ArrayBuffer>[] {
  if (chunks.length <= MAX_TRANSFERS) return chunks;
  const whole = new Uint8Array(chunks.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return [whole];
}

function toFailure(error: unknown, path: string): Failure {
  if (error instanceof AppError) return { code: error.code, message: error.message, context: error.context };
  const cause = error instanceof Error ? error.message : String(error);
  const { errcode } = error as { errcode?: unknown };
  // Extended codes carry the primary one in their lowest byte.
  const code = typeof errcode === 'number' ? errcode & 0xff : undefined;
  const context = { path, ...(code === undefined ? {} : { sqlite_code: code }) };
  if (code === SQLITE_BUSY) {
    const message = `${path} is in use by another StreamForge host. Stop that one, or set STREAMFORGE_DATA_DIR to another directory. (No lock is left behind by a process that ended.)`;
    return { code: 'data_dir_locked', message, context, cause };
  }
  if (code === SQLITE_FULL) {
    return {
      code: 'storage_full',
      message: `No room left for ${path}: free disk space, or raise the limit of the log. Nothing was written.`,
      context,
      cause,
    };
  }
  if (code === SQLITE_NOTADB) {
    return { code: 'invalid_setting', message: `${path} is not a log of StreamForge. Choose another data directory.`, context, cause };
  }
  return { code: 'bus_unavailable', message: `The log ${path} failed: ${cause}`, context, cause };
}

if (parentPort !== null) serve(parentPort, workerData as LogOptions);
