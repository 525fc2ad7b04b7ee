import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PartitionLog } from '../../shared/bus/embedded/catalog.ts';
import { prepareRecord } from '../../shared/bus/embedded/frames.ts';
import type { WriteReply, WriteRequest } from '../../shared/bus/embedded/protocol.ts';
import { RecentFrames } from '../../shared/bus/embedded/recent-frames.ts';
import { type PlacedRecord, TRANSACTION_BYTES, WriteQueue } from '../../shared/bus/embedded/write-queue.ts';
import { AppError } from '../../shared/domain/errors.ts';

/** A log whose transactions end when the test says so. */
function aSlowLog() {
  const requests: { readonly request: WriteRequest; readonly done: PromiseWithResolvers<WriteReply> }[] = [];
  const ends = new Map<number, number>();
  const queue = new WriteQueue(
    (request) => {
      const done = Promise.withResolvers<WriteReply>();
      requests.push({ request, done });
      return done.promise;
    },
    () => 1_000,
    new RecentFrames(),
  );
  const finish = (index: number): void => {
    const { request, done } = requests[index] ?? assert.fail(`no transaction ${index}`);
    const bases = request.appends.map(({ id, count }) => {
      const base = ends.get(id) ?? 0;
      ends.set(id, base + count);
      return base;
    });
    done.resolve({ bases, buffer: request.buffer });
  };
  return { queue, requests, finish };
}

const log = () => new PartitionLog(7, 'topic', 0);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function placed(partition: PartitionLog, count: number, bytes = 10): PlacedRecord[] {
  return Array.from({ length: count }, () => ({
    log: partition,
    record: prepareRecord({ key: 'k', headers: {}, value: new Uint8Array(bytes) }),
  }));
}

describe('grouped commits', () => {
  it('puts what was asked for in one turn, and while a transaction was on its way, into one transaction each', async () => {
    const { queue, requests, finish } = aSlowLog();
    const partition = log();

    const first = [
      queue.append(placed(partition, 2)),
      queue.append(placed(partition, 1)),
      queue.commit({ group: 'g', id: 7, nextOffset: 1 }),
    ];
    await turn();
    const second = Array.from({ length: 50 }, () => queue.append(placed(partition, 1)));
    second.push(...[2, 3].map((nextOffset) => queue.commit({ group: 'g', id: 7, nextOffset }).then(() => [])));
    await turn();
    finish(0);
    const [a, b] = await Promise.all(first);
    finish(1);
    const rest = await Promise.all(second);

    assert.equal(requests.length, 2);
    assert.deepEqual([a, b], [[0, 1], [2]]);
    assert.deepEqual(
      rest.flat(),
      Array.from({ length: 50 }, (_, index) => index + 3),
    );
    assert.deepEqual(
      requests.map(({ request }) => request.commits),
      [[{ group: 'g', id: 7, nextOffset: 1 }], [{ group: 'g', id: 7, nextOffset: 3 }]],
    );
    assert.equal(partition.end, 53);
  });

  it('keeps transactions within their bytes, and hands over the next one early when much is waiting', async () => {
    const { queue, requests, finish } = aSlowLog();
    const partition = log();
    const appends = Array.from({ length: 20 }, () => queue.append(placed(partition, 1, 500_000)));

    await turn();
    const early = requests.length;
    for (let index = 0; index < requests.length; index++) {
      finish(index);
      await turn();
    }
    await Promise.all(appends);

    assert.equal(early, 2);
    assert.ok(requests.every(({ request }) => request.appends.reduce((sum, { bytes }) => sum + bytes, 0) <= TRANSACTION_BYTES + 600_000));
    assert.deepEqual((await Promise.all(appends)).flat(), [...appends.keys()]);
  });

  it('uses the buffers again that come back', async () => {
    const { queue, requests, finish } = aSlowLog();
    const partition = log();
    for (let index = 0; index < 5; index++) {
      const append = queue.append(placed(partition, 1));
      await turn();
      finish(index);
      await append;
    }

    assert.equal(new Set(requests.map(({ request }) => request.buffer)).size, 1);
  });

  it('fails everything of a transaction that failed, and goes on with the next', async () => {
    const { queue, requests, finish } = aSlowLog();
    const partition = log();
    const failed = [queue.append(placed(partition, 1)), queue.commit({ group: 'g', id: 7, nextOffset: 1 })];
    await turn();
    const next = queue.append(placed(partition, 1));

    requests[0]?.done.reject(new AppError('storage_full', 'full'));
    const outcomes = await Promise.allSettled(failed);
    await turn();
    finish(1);

    assert.deepEqual(
      outcomes.map((outcome) => outcome.status === 'rejected' && (outcome.reason as AppError).code),
      ['storage_full', 'storage_full'],
    );
    assert.deepEqual(await next, [0]);
    assert.equal(partition.end, 1);
  });

  it('lets a caller give up, and never sends what had not left', async () => {
    const { queue, requests, finish } = aSlowLog();
    const partition = log();
    const stop = new AbortController();
    const onItsWay = queue.append(placed(partition, 1), stop.signal);
    await turn();
    const waiting = queue.append(placed(partition, 5), stop.signal);

    stop.abort(new Error('stopped'));
    const outcomes = await Promise.allSettled([onItsWay, waiting]);
    finish(0);
    await queue.drained();

    assert.ok(outcomes.every((outcome) => outcome.status === 'rejected' && outcome.reason === stop.signal.reason));
    assert.equal(requests.length, 1);
    assert.equal(partition.end, 1);
  });

  it('is drained when nothing waits and nothing is on its way', async () => {
    const { queue, finish } = aSlowLog();
    const order: string[] = [];
    await queue.drained();
    const first = queue.append(placed(log(), 1)).then(() => order.push('first'));
    await turn();
    const second = queue.append(placed(log(), 1)).then(() => order.push('second'));
    const drained = queue.drained().then(() => order.push('drained'));

    finish(0);
    await first;
    await turn();
    finish(1);
    await Promise.all([second, drained]);

    assert.deepEqual(order, ['first', 'second', 'drained']);
  });
});
