import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Bus } from '../../shared/bus/bus.ts';
import { openEmbeddedBus } from '../../shared/bus/embedded/embedded-bus.ts';
import { command } from '../../shared/events/command.ts';
import { QUEUE_CONTROL } from '../../shared/events/topics.ts';
import { FolderObjectStore } from '../../shared/objects/folder/folder-object-store.ts';
import { defineFunction, type FunctionDefinition, type FunctionModule } from '../../shared/runtime/define-function.ts';
import { type Host, startHost } from '../../shared/runtime/host.ts';
import type { Openers } from '../../shared/runtime/ports.ts';
import { openSqliteStore } from '../../shared/store/sqlite/open-sqlite-store.ts';
import { silentLogger } from '../../shared/telemetry/pino-logger.ts';
import { eventually } from '../support/eventually.ts';
import { overriding } from './overriding.ts';

const scaling = { maxReplicas: 1, memoryMiB: 64, cpuMillis: 100 };

let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'streamforge-shutdown-'));
});
after(() => rm(dir, { recursive: true }));

function aFunction(module: FunctionModule<never>): FunctionDefinition {
  return defineFunction({
    name: 'probe',
    publishedNames: [],
    triggers: [
      { kind: 'http', name: 'probe-http', accepts: [], scaling },
      { kind: 'topic', name: 'probe-events', group: 'probe', topics: [QUEUE_CONTROL], events: [command.type], handler: 'handle', scaling },
    ],
    sends: [],
    settings: {},
    load: async () => module as FunctionModule<Record<never, never>>,
  });
}

/** The embedded adapters, saying what is asked of them at the end. */
function tellingOpeners(folder: string, tell: (what: string) => Promise<void> | void): Openers {
  return {
    async bus() {
      const bus = await openEmbeddedBus({ dir: folder });
      const own: Partial<Bus> = {
        async subscribe(options) {
          const subscription = await bus.subscribe({
            ...options,
            onBatch: (batch) =>
              options.onBatch({
                ...batch,
                topic: batch.topic,
                partition: batch.partition,
                records: batch.records,
                generation: batch.generation,
                signal: batch.signal,
                isStale: () => batch.isStale(),
                heartbeat: () => batch.heartbeat(),
                async commit(offset) {
                  await batch.commit(offset);
                  await tell(`committed ${offset}`);
                },
              }),
          });
          return {
            ended: subscription.ended,
            assignment: () => subscription.assignment(),
            pause: (partitions) => subscription.pause(partitions),
            resume: (partitions) => subscription.resume(partitions),
            async stop(given) {
              await subscription.stop(given);
              await tell('group left');
            },
          };
        },
        async close() {
          try {
            await tell('log closes');
          } finally {
            await bus.close();
          }
        },
      };
      return overriding<Bus>(bus, own);
    },
    async stores() {
      const store = await openSqliteStore({ dir: folder });
      return {
        ...store,
        async close() {
          await tell('store closes');
          await store.close();
        },
      };
    },
    objects: async () => new FolderObjectStore({ dir: join(folder, 'objects') }),
    exchanges: {},
  };
}

const send = (host: Host): Promise<unknown> =>
  host.ports.bus.publish([
    {
      topic: QUEUE_CONTROL,
      key: 'k',
      headers: {
        'content-type': 'application/json',
        ce_specversion: '1.0',
        ce_id: 'e',
        ce_source: '/s',
        ce_type: command.type,
        ce_time: '2024-08-01T00:00:00Z',
      },
      value: Buffer.from('{}'),
    },
  ]);

describe('a shutdown', () => {
  test('first stops being ready, then finishes work and commits it, leaves the groups, closes log, store and at last HTTP', async () => {
    const told: string[] = [];
    const [entered, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let url = '';
    const tell = async (what: string): Promise<void> => {
      const ready = what === 'committed 1' || what.endsWith('closes') ? (await fetch(`${url}/readyz`)).status : '';
      told.push(`${what} ${ready}`.trim());
    };
    const host = await startHost({
      functions: [
        aFunction({
          async handle() {
            entered.resolve();
            await gate.promise;
            told.push('handler done');
          },
          routes: [],
        }),
      ],
      port: 0,
      env: {},
      logger: silentLogger,
      openers: tellingOpeners(join(dir, 'order'), tell),
    });
    url = host.url;
    await send(host);
    await entered.promise;

    const stopped = host.stop({ graceMs: 20_000 });
    await eventually(async () => (await fetch(`${url}/readyz`)).status === 503);
    const live = (await fetch(`${url}/livez`)).status;
    gate.resolve();
    await stopped;

    assert.equal(live, 200);
    assert.deepEqual(told, ['handler done', 'committed 1 503', 'group left', 'log closes 503', 'store closes 503']);
    await assert.rejects(fetch(`${url}/livez`));
  });

  test('finishes requests in flight before the store closes', async () => {
    const told: string[] = [];
    const [entered, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const host = await startHost({
      functions: [
        aFunction({
          handle: async () => undefined,
          routes: [
            {
              method: 'GET',
              path: '/slow',
              async handle(_request, { ports }) {
                entered.resolve();
                await gate.promise;
                return { status: 200, body: await ports.workflows.listWorkflows() };
              },
            },
          ],
        }),
      ],
      port: 0,
      env: {},
      logger: silentLogger,
      openers: tellingOpeners(join(dir, 'requests'), (what) => void told.push(what)),
    });
    const answer = fetch(`${host.url}/slow`);
    await entered.promise;

    const stopped = host.stop({ graceMs: 20_000 });
    const refused = await eventually(async () => {
      const { status, headers } = await fetch(`${host.url}/slow`);
      return status === 503 ? (headers.get('retry-after') ?? 'none') : false;
    });
    gate.resolve();
    await stopped;

    assert.equal(refused, '1');
    assert.equal((await answer).status, 200);
    assert.deepEqual(told.slice(-2), ['log closes', 'store closes']);
  });

  test('is done once, however often it is asked for', async () => {
    const told: string[] = [];
    const host = await startHost({
      functions: [],
      port: 0,
      env: {},
      logger: silentLogger,
      openers: tellingOpeners(join(dir, 'twice'), (what) => void told.push(what)),
    });

    await Promise.all([host.stop(), host.stop(), host.stop({ graceMs: 1 })]);
    await host.stop();

    assert.deepEqual(told, ['log closes', 'store closes']);
  });

  test('ends in time with a handler that hears nothing, and leaves its event uncommitted', async () => {
    const [entered, told] = [Promise.withResolvers<void>(), [] as string[]];
    const options = {
      port: 0,
      env: {},
      logger: silentLogger,
      openers: tellingOpeners(join(dir, 'deaf'), (what) => void told.push(what)),
    };
    const host = await startHost({
      functions: [
        aFunction({
          async handle(_received, { signal }) {
            entered.resolve();
            await new Promise((resolve) => signal.addEventListener('abort', resolve));
            signal.throwIfAborted();
          },
        }),
      ],
      ...options,
    });
    await send(host);
    await entered.promise;

    await host.stop({ graceMs: 20 });

    assert.ok(!told.some((what) => what.startsWith('committed')));
    assert.deepEqual(told.slice(-2), ['log closes', 'store closes']);
  });

  test('goes on where one part of it fails', async () => {
    const told: string[] = [];
    const openers = tellingOpeners(join(dir, 'failing'), (what) => {
      told.push(what);
      if (what === 'log closes') throw new Error('the log cannot be flushed');
    });
    const host = await startHost({ functions: [], port: 0, env: {}, logger: silentLogger, openers });

    await host.stop();

    assert.deepEqual(told, ['log closes', 'store closes']);
    await assert.rejects(fetch(`${host.url}/livez`));
  });
});
