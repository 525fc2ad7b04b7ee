import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AppError } from '../../shared/domain/errors.ts';
import { classifyErrors } from '../../shared/runtime/adapter-errors.ts';
import { decide } from '../../shared/runtime/delivery.ts';

class Adapter {
  #calls = 0;
  readonly admin = { topics: async (): Promise<never> => Promise.reject(new RangeError('in admin')) };
  readonly name = 'adapter';
  readonly failure: unknown;
  constructor(failure: unknown) {
    this.failure = failure;
  }
  async call(): Promise<number> {
    this.#calls += 1;
    if (this.failure !== undefined) throw this.failure;
    return this.#calls;
  }
  callNow(): number {
    throw this.failure;
  }
  async *rows(): AsyncGenerator<number> {
    yield 1;
    throw this.failure;
  }
}

async function rejection(work: () => unknown): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  return assert.fail('nothing was thrown');
}

async function readAll(rows: AsyncIterable<number>): Promise<number[]> {
  const all: number[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

describe('a guarded adapter', () => {
  for (const [what, work] of [
    ['a rejected call', (port: Adapter) => port.call()],
    ['a call that throws at once', (port: Adapter) => port.callNow()],
    ['an iterator', (port: Adapter) => readAll(port.rows())],
    ['a nested object', (port: Adapter) => port.admin.topics()],
  ] as const) {
    test(`marks what nobody classified: ${what}`, async () => {
      const cause = new TypeError('boom');

      const error = await rejection(() => work(classifyErrors(new Adapter(cause), 'store')));

      assert.ok(error instanceof AppError);
      assert.deepEqual([error.code, error.context.adapter, decide(error)], ['unclassified', 'store', 'retry']);
    });
  }

  test('leaves a classified error, and the cause of an unclassified one, as they are', async () => {
    const known = new AppError('store_unavailable', 'away');
    const cause = new TypeError('boom');

    assert.equal(await rejection(() => classifyErrors(new Adapter(known), 'store').call()), known);
    assert.equal(((await rejection(() => classifyErrors(new Adapter(cause), 'store').call())) as AppError).cause, cause);
  });

  test('leaves a cancellation as it is', async () => {
    const cancelled = AbortSignal.abort().reason as unknown;

    assert.equal(await rejection(() => classifyErrors(new Adapter(cancelled), 'bus').call()), cancelled);
  });

  test('changes nothing else: values, private state, properties', async () => {
    const port = classifyErrors(new Adapter(undefined), 'bus');

    assert.deepEqual([await port.call(), await port.call(), port.name], [1, 2, 'adapter']);
  });
});
