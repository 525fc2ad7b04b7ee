import type { PartitionLog } from './catalog.ts';
import { type PreparedRecord, writeFrame } from './frames.ts';
import type { Append, CommittedOffset, WriteReply, WriteRequest } from './protocol.ts';
import type { RecentFrames } from './recent-frames.ts';

/** Frames of one row: small rows share one, a large record has its own. What a reader reads at least. */
const ROW_BYTES = 262_144;
/** Frames of one transaction. Copying them takes the event loop a few milliseconds; twice this is the most that one can have. */
export const TRANSACTION_BYTES = 2 * 1_048_576;
/** With this much waiting, the next transaction is handed over before the one before is durable: the thread never waits for the event loop. */
const AHEAD_BYTES = 1_048_576;
const MAX_IN_FLIGHT = 2;
/** Buffers travel to the thread and back; this many are kept. */
const SPARE_BUFFERS = 3;

/** A record and where it goes. */
export interface PlacedRecord {
  readonly log: PartitionLog;
  readonly record: PreparedRecord;
}

interface WaitingAppend {
  readonly records: readonly PlacedRecord[];
  readonly bytes: number;
  readonly offsets: number[];
  readonly settle: (error?: unknown) => void;
}

interface WaitingCommit {
  nextOffset: number;
  readonly done: PromiseWithResolvers<void>;
}

interface Transaction {
  readonly request: WriteRequest;
  readonly bytes: number;
  /** For each append of the request: where its records go, and whose they are. */
  readonly rows: readonly { readonly log: PartitionLog; readonly owners: readonly Owner[] }[];
  readonly appends: readonly WaitingAppend[];
  readonly commits: readonly WaitingCommit[];
}

interface Owner {
  readonly append: WaitingAppend;
  readonly index: number;
  readonly record: PreparedRecord;
}

/**
 * Grouped commits: whatever was asked for while a transaction was on its way becomes the next one, with one fsync. What waits here is the caller's own
 * records: they are copied when their turn comes, so waiting costs no memory; a caller is held back by awaiting.
 */
export class WriteQueue {
  readonly #send: (request: WriteRequest) => Promise<WriteReply>;
  readonly #now: () => number;
  readonly #recent: RecentFrames;
  readonly #appends: WaitingAppend[] = [];
  readonly #commits = new Map<string, WaitingCommit & { readonly group: string; readonly id: number }>();
  readonly #spare: ArrayBuffer[] = [];
  #waitingBytes = 0;
  #inFlight = 0;
  #scheduled = false;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(send: (request: WriteRequest) => Promise<WriteReply>, now: () => number, recent: RecentFrames) {
    this.#send = send;
    this.#now = now;
    this.#recent = recent;
  }

  /** Resolves with the records' offsets when they are durable. Aborting gives up the wait; records on their way may still become durable. */
  append(records: readonly PlacedRecord[], signal?: AbortSignal): Promise<readonly number[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly number[]>();
    const bytes = records.reduce((sum, { record }) => sum + record.frameBytes, 0);
    const offsets = new Array<number>(records.length).fill(0);
    const give = (): void => {
      const at = this.#appends.indexOf(append);
      if (at >= 0) {
        this.#appends.splice(at, 1);
        this.#waitingBytes -= bytes;
      }
      append.settle(signal?.reason);
    };
    const settle = (error?: unknown): void => {
      signal?.removeEventListener('abort', give);
      if (error === undefined) resolve(offsets);
      else reject(error);
    };
    const append: WaitingAppend = { records, bytes, offsets, settle };
    signal?.addEventListener('abort', give, { once: true });
    this.#appends.push(append);
    this.#waitingBytes += bytes;
    this.#schedule();
    return promise;
  }

  /** Resolves when the offset is durable. */
  commit({ group, id, nextOffset }: CommittedOffset): Promise<void> {
    const name = `${id}/${group}`;
    const waiting = this.#commits.get(name) ?? { group, id, nextOffset, done: Promise.withResolvers<void>() };
    waiting.nextOffset = Math.max(waiting.nextOffset, nextOffset);
    this.#commits.set(name, waiting);
    this.#schedule();
    return waiting.done.promise;
  }

  /** Resolves when nothing waits and nothing is on its way. */
  async drained(): Promise<void> {
    while (this.#inFlight > 0 || this.#scheduled) {
      this.#idle ??= Promise.withResolvers();
      await this.#idle.promise;
    }
  }

  /** Calls of one turn of the event loop go together. */
  #schedule(): void {
    if (this.#scheduled || !this.#mayStart()) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      while (this.#mayStart()) void this.#run(this.#take());
    });
  }

  #mayStart(): boolean {
    if (this.#appends.length === 0 && this.#commits.size === 0) return false;
    return this.#inFlight === 0 || (this.#inFlight < MAX_IN_FLIGHT && this.#waitingBytes >= AHEAD_BYTES);
  }

  async #run({ request, bytes, rows, appends, commits }: Transaction): Promise<void> {
    this.#inFlight += 1;
    this.#waitingBytes -= bytes;
    try {
      const reply = await this.#send(request);
      for (const [index, { id, count, at, bytes: length }] of request.appends.entries()) {
        this.#recent.add(id, reply.bases[index] ?? 0, count, new Uint8Array(reply.buffer.slice(at, at + length)));
      }
      if (this.#spare.length < SPARE_BUFFERS && reply.buffer.byteLength <= 2 * TRANSACTION_BYTES) this.#spare.push(reply.buffer);
      for (const [index, { log, owners }] of rows.entries()) {
        const base = reply.bases[index] ?? 0;
        for (const [at, owner] of owners.entries()) owner.append.offsets[owner.index] = base + at;
        log.move({ end: base + owners.length });
      }
      for (const { settle } of appends) settle();
      for (const { done } of commits) done.resolve();
    } catch (error) {
      for (const { settle } of appends) settle(error);
      for (const { done } of commits) done.reject(error);
    } finally {
      this.#inFlight -= 1;
      this.#schedule();
      if (this.#inFlight === 0 && !this.#scheduled) {
        this.#idle?.resolve();
        this.#idle = undefined;
      }
    }
  }

  /** Takes the oldest of what waits into one transaction. */
  #take(): Transaction {
    const appends: WaitingAppend[] = [];
    const perLog = new Map<PartitionLog, Owner[]>();
    let bytes = 0;
    while (bytes < TRANSACTION_BYTES) {
      const append = this.#appends.shift();
      if (append === undefined) break;
      appends.push(append);
      bytes += append.bytes;
      for (const [index, { log, record }] of append.records.entries()) {
        const owners = perLog.get(log);
        if (owners === undefined) perLog.set(log, [{ append, index, record }]);
        else owners.push({ append, index, record });
      }
    }
    const commits = [...this.#commits.values()];
    this.#commits.clear();
    const timestamp = Math.trunc(this.#now());
    const target = Buffer.from(this.#bufferFor(bytes));
    const rows = [...perLog].flatMap(([log, owners]) => splitRows(owners).map((part) => ({ log, owners: part })));
    const places: Append[] = [];
    let at = 0;
    for (const { log, owners } of rows) {
      const start = at;
      for (const { record } of owners) at = writeFrame(target, at, record, timestamp);
      places.push({ id: log.id, count: owners.length, at: start, bytes: at - start });
    }
    const offsets = commits.map(({ group, id, nextOffset }) => ({ group, id, nextOffset }));
    return {
      request: { buffer: target.buffer as ArrayBuffer, timestamp, appends: places, commits: offsets },
      bytes,
      rows,
      appends,
      commits,
    };
  }

  #bufferFor(bytes: number): ArrayBuffer {
    const fits = this.#spare.findIndex(({ byteLength }) => byteLength >= bytes);
    const [spare] = fits >= 0 ? this.#spare.splice(fits, 1) : [];
    // In powers of two, so that buffers fit again.
    return spare ?? new ArrayBuffer(2 ** Math.ceil(Math.log2(Math.max(bytes, ROW_BYTES))));
  }
}

function splitRows(owners: readonly Owner[]): Owner[][] {
  const rows: Owner[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const owner of owners) {
    if (bytes + owner.record.frameBytes > ROW_BYTES) {
      rows.push([]);
      bytes = 0;
    }
    rows.at(-1)?.push(owner);
    bytes += owner.record.frameBytes;
  }
  return rows;
}
