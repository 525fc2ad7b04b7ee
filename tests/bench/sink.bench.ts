import { join } from 'node:path';
import { Pool } from 'undici';
import { handleBatch } from '../../functions/sink/handle.ts';
import { CANDLES_PER_SHARD, shardId } from '../../shared/domain/plan.ts';
import { type Series, seriesId } from '../../shared/domain/series.ts';
import type { StreamEvent } from '../../shared/events/event.ts';
import { shardCompleted } from '../../shared/events/shard-completed.ts';
import type { ShardVerified } from '../../shared/events/shard-verified.ts';
import { openArangoStores } from '../../shared/store/arango/open-arango-stores.ts';
import { type Bench, fastest, scaled, sideBySide, withFolder } from './bench.ts';
import { type RecordedCall, startRecorder } from './canned-calls.ts';
import { benchContext } from './consume-events.ts';
import { candlesFrom, FROM, MINUTE_MS, RECEIVED_AT, rowEvents, SERIES } from './row-events.ts';
import { type ScriptProcess, startScript } from './servers.ts';

const ROUNDS = 2;
/** As many pages with their markers as fit into the MiB of one batch of a partition. */
const PAGES_PER_BATCH = 4;
const PASSWORD = 'bench';
const DATABASE = 'bench';
/** Requests at once: as many as the adapter allows itself. */
const CONNECTIONS = 16;

/** A batch as it lies in the log: pages, each followed by its marker. */
function batchOf(series: Series, batch: number): readonly StreamEvent[] {
  return Array.from({ length: PAGES_PER_BATCH }, (_, page) => {
    const first = (batch * PAGES_PER_BATCH + page) * CANDLES_PER_SHARD;
    const [from, to] = [FROM + first * MINUTE_MS, FROM + (first + CANDLES_PER_SHARD) * MINUTE_MS];
    const marker = shardCompleted.build(
      {
        ...{ queue_id: 'wf-bench-api_candles_1m-20240101-a1b2c3', attempt: 1, shard: shardId(seriesId(series), from, to), try: 1 },
        ...{ series: seriesId(series), from, to, row_count: CANDLES_PER_SHARD, refused: [], unavailable: [], absent: [] },
      },
      { producer: 'bench', time: RECEIVED_AT },
    );
    return [...rowEvents(series, candlesFrom(first, CANDLES_PER_SHARD)), marker];
  }).flat();
}

const startDouble = (): Promise<ScriptProcess> =>
  startScript('support/arango-double/main.ts', [], { env: { ARANGO_USER: 'root', ARANGO_PASSWORD: PASSWORD } });

const urlOf = (server: ScriptProcess): string => (server.said as { readonly url: string }).url;

/** Seconds in which the sink writes and proves all batches. Throws where a shard is not proven. */
async function sinkInto(url: string, batchesPerSeries: number): Promise<number> {
  const stores = await openArangoStores({ url, database: DATABASE, user: 'root', password: PASSWORD });
  const verdicts: StreamEvent[] = [];
  const context = {
    ...benchContext(stores, 'sink'),
    publisher: { publish: async (events: readonly StreamEvent[]) => void verdicts.push(...events) },
  };
  const start = performance.now();
  await sideBySide(SERIES.length, SERIES.length, async (place) => {
    for (let batch = 0; batch < batchesPerSeries; batch += 1) {
      const events = batchOf(SERIES[place] as Series, batch);
      const outcomes = await handleBatch(
        events.map((event) => ({ event })),
        context,
      );
      for (const outcome of outcomes) if (!outcome.ok) throw outcome.error;
    }
  });
  const seconds = (performance.now() - start) / 1_000;
  await stores.close();
  const persisted = verdicts.filter(({ data }) => (data as ShardVerified).verdict === 'persisted').length;
  const shards = SERIES.length * batchesPerSeries * PAGES_PER_BATCH;
  if (persisted !== shards) throw new Error(`${persisted} of ${shards} shards are proven`);
  return seconds;
}

/** Makes the recorded requests again, in their order. */
async function replay(url: string, calls: readonly RecordedCall[]): Promise<void> {
  const pool = new Pool(url, { connections: CONNECTIONS });
  await sideBySide(CONNECTIONS, calls.length, async (at) => {
    const { method, path, headers, body } = calls[at] as RecordedCall;
    const answer = await pool.request({ method: method as 'GET', path, headers, body });
    await answer.body.arrayBuffer();
    if (answer.statusCode === 501) throw new Error(`there is no answer to ${method} ${path}`);
  });
  await pool.close();
}

/** A server's life for one measurement. */
async function during<T>(starting: Promise<ScriptProcess>, work: (url: string) => Promise<T>): Promise<T> {
  const server = await starting;
  try {
    return await work(urlOf(server));
  } finally {
    await server.end();
  }
}

/** The sink beside the wire. */
const bench: Bench = {
  name: 'sink',
  what: `sink's handler over the ArangoDB stores: pages of 1,000 candles upserted, proven, in the ledger; ${SERIES.length} partitions at once; servers in processes of their own`,
  run: () =>
    withFolder(async (dir) => {
      const batches = scaled(2);
      const rows = SERIES.length * batches * PAGES_PER_BATCH * CANDLES_PER_SHARD;
      const file = join(dir, 'answers.jsonl');
      const calls = await during(startDouble(), async (url) => {
        const recorder = await startRecorder(url);
        await sinkInto(recorder.url, batches);
        await recorder.save(file);
        await recorder.close();
        return recorder.calls;
      });
      let [own, canned, floor] = [Infinity, Infinity, Infinity];
      for (let round = 0; round < ROUNDS; round += 1) {
        own = Math.min(own, await during(startDouble(), (url) => sinkInto(url, batches)));
        const server = (): Promise<ScriptProcess> => startScript('bench/canned-server.ts', [file]);
        floor = Math.min(floor, await during(server(), (url) => fastest(1, () => replay(url, calls))));
        canned = Math.min(canned, await during(server(), (url) => sinkInto(url, batches)));
      }
      const count = rows.toLocaleString('en-US');
      const against = `the same ${calls.length} HTTP requests with answers ready made, ${CONNECTIONS} at once`;
      return [
        { name: `${count} rows into the double`, value: rows / own, unit: 'rows/s', floor: rows / floor, against },
        { name: `${count} rows, answers ready made`, value: rows / canned, unit: 'rows/s', floor: rows / floor, against },
      ];
    }),
};

export default bench;
