import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { openEmbeddedBus } from '../../shared/bus/embedded/embedded-bus.ts';
import { type ApiClient, createApiClient } from '../../shared/cli/client.ts';
import { FUNCTIONS } from '../../shared/cli/functions.ts';
import { waitForWorkflow } from '../../shared/cli/workflow-client.ts';
import { AppError } from '../../shared/domain/errors.ts';
import { QUEUE_EVENTS } from '../../shared/events/topics.ts';
import { BinanceExchange } from '../../shared/exchanges/binance/binance-exchange.ts';
import { FolderObjectStore } from '../../shared/objects/folder/folder-object-store.ts';
import { type Host, startHost } from '../../shared/runtime/host.ts';
import { systemRandom } from '../../shared/runtime/random.ts';
import { systemClock } from '../../shared/runtime/system-clock.ts';
import { openSqliteStore } from '../../shared/store/sqlite/open-sqlite-store.ts';
import { createLogger } from '../../shared/telemetry/pino-logger.ts';
import { overriding } from '../runtime/overriding.ts';
import { eventually } from '../support/eventually.ts';
import { assertComplete, busView, deadLettersOf } from '../support/settled.ts';
import { startTestSimulator, type TestSimulator } from '../support/simulator.ts';
import { assertTruth } from '../support/truth.ts';

const FROM = Date.UTC(2024, 7, 5);
const TO = FROM + 86_400_000;
const SERIES = 'binance:BTCUSDT:candles:1m';
const REQUEST = { exchange: 'binance', symbol: 'BTCUSDT', type: 'api_candles_1m', time_range: '2024-08-05:2024-08-05' };
const HISTORY = 'market.candles.history';
const FETCH = 'queue-control.fetch.binance';

describe('dead letters', () => {
  let dir = '';
  let simulator: TestSimulator;
  let host: Host;
  let client: ApiClient;
  /** While it is true nothing can be written to a dead-letter topic. */
  let isAway = false;
  let refused = 0;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'streamforge-letters-'));
    simulator = await startTestSimulator({ weightLimit: 1_000_000 });
    [isAway, refused] = [false, 0];
    host = await startHost({
      functions: FUNCTIONS,
      port: 0,
      dataDir: dir,
      env: {},
      logger: createLogger({ level: 'error', write: () => undefined }),
      openers: {
        async bus() {
          const bus = await openEmbeddedBus({ dir });
          return overriding(bus, {
            async publish(records, options) {
              if (!isAway || !records.some(({ topic }) => topic.endsWith('.dlq'))) return bus.publish(records, options);
              refused += 1;
              throw new AppError('bus_unavailable', 'The dead-letter topic is away.');
            },
          });
        },
        stores: () => openSqliteStore({ dir }),
        objects: async () => new FolderObjectStore({ dir: join(dir, 'objects') }),
        exchanges: {
          binance: async () => new BinanceExchange({ baseUrl: simulator.rest, clock: systemClock, random: systemRandom }),
        },
      },
    });
    client = createApiClient(host.url);
  });
  afterEach(async () => {
    isAway = false;
    await host.stop({ graceMs: 5_000 });
    await simulator.close();
    await rm(dir, { recursive: true, force: true });
  });

  const runWorkflow = async () =>
    waitForWorkflow(client, (await client.post<{ queue_id: string }>('/workflows', REQUEST)).queue_id, { quiet: true });
  const torn = (topic: string) => ({ topic, key: SERIES, headers: { ce_specversion: '1.0' }, value: Buffer.from('{"torn') });
  const lagOf = async (topic: string): Promise<number> =>
    (await busView(client)).lags.filter((each) => each.topic === topic).reduce((sum, { lag }) => sum + lag, 0);

  test('case 56: poison on every road of a workflow is put aside with its cause and place; the workflow finishes', async () => {
    const poison = [HISTORY, FETCH, QUEUE_EVENTS].map(torn);
    const placed = await host.ports.bus.publish(poison);
    assert.equal(placed.length, poison.length);

    const view = await runWorkflow();
    await host.ports.bus.publish(poison);

    assert.equal(view.status, 'finished');
    await assertTruth(host.url, simulator.rest, [SERIES], FROM, TO);
    await assertComplete(client, [SERIES], FROM, TO);
    const wanted = { [`${HISTORY}.dlq`]: 2, [`${FETCH}.dlq`]: 2, [`${QUEUE_EVENTS}.dlq`]: 2 };
    await eventually(async () => assert.deepEqual(deadLettersOf(await busView(client)), wanted), {
      what: 'exactly the poison is put aside',
    });
    for (const topic of [HISTORY, FETCH, QUEUE_EVENTS]) {
      await eventually(async () => (await lagOf(topic)) === 0, { what: `${topic} is read` });
      const { letters } = await client.get<{ letters: readonly Record<string, unknown>[] }>(`/bus/dlq/${topic}`);
      assert.deepEqual(
        letters.map(({ code, topic: origin, replayed }) => ({ code, origin, replayed })),
        Array.from({ length: 2 }, () => ({ code: 'unparsable_event', origin: topic, replayed: false })),
      );
      assert.ok(
        letters.every(
          ({ offset, partition, cause, group }) => Number(offset) >= 0 && Number(partition) >= 0 && cause !== '' && group !== '',
        ),
      );
    }
  });

  test('case 57: while dead letters cannot be written nothing is committed past the poison; then all of it goes on', async () => {
    isAway = true;
    await host.ports.bus.publish([torn(HISTORY)]);
    await eventually(() => refused > 0, { what: 'the first try to put it aside' });

    const { queue_id } = await client.post<{ queue_id: string }>('/workflows', REQUEST);
    await eventually(async () => (await lagOf(HISTORY)) > 1, { what: 'rows behind the poison' });
    const tries = refused;
    await eventually(() => refused > tries, { deadlineMs: 40_000, what: 'another try' });

    const held = await client.get<{ status: string; stages: readonly { shards_done: number }[] }>(`/workflows/${queue_id}`);
    assert.deepEqual([held.status, held.stages[0]?.shards_done], ['loading', 0]);
    assert.deepEqual(deadLettersOf(await busView(client)), {});
    isAway = false;
    const view = await waitForWorkflow(client, queue_id, { quiet: true });

    assert.equal(view.status, 'finished');
    await assertTruth(host.url, simulator.rest, [SERIES], FROM, TO);
    await assertComplete(client, [SERIES], FROM, TO);
    await eventually(async () => (await lagOf(HISTORY)) === 0);
    assert.deepEqual(deadLettersOf(await busView(client)), { [`${HISTORY}.dlq`]: 1 });
  });
});
