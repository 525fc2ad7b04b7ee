import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '../../shared/bus/bus.ts';
import { openKafkaBus } from '../../shared/bus/kafka/kafka-bus.ts';
import { historyTopic, TOPICS } from '../../shared/events/topics.ts';
import { type Bench, scaled, withFolder } from './bench.ts';
import { peakBytes } from './process-figures.ts';
import { startScript, withBroker } from './servers.ts';

const POLL_MS = 200;
const USER = { ARANGO_USER: 'root', ARANGO_PASSWORD: 'bench' } as const;
/** What `bin/streamforge.mjs` gives to every process that stays. */
const HEAP_FLAGS = ['--max-semi-space-size=8', '--heap-growing-percent=100'];
const GOAL = 'under 250 MB';

/** Records of the topic that the sink is not done with. */
async function waitingFor(bus: Bus): Promise<number> {
  const lags = await bus.admin.lag('sink-history', [historyTopic('candles')]);
  return lags.reduce((sum, { lag }) => sum + lag, 0);
}

/** Memory does not grow with what waits in the log. */
const bench: Bench = {
  name: 'kafka-memory',
  what: 'largest resident sizes (VmHWM) while messages of 15 KB pass a real broker: a producer by the adapter, and "streamforge run sink" over the double of ArangoDB, behind it from the start',
  onlyNamed: true,
  run: () =>
    withBroker(({ plain }) =>
      withFolder(async (dir) => {
        const count = scaled(20_000);
        const bus = await openKafkaBus({ bootstrapServers: plain });
        await bus.admin.ensureTopics(TOPICS);
        const double = await startScript('support/arango-double/main.ts', [], { env: USER });
        const { url } = double.said as { readonly url: string };
        const env = { ...USER, ARANGO_URL: url, KAFKA_BOOTSTRAP_SERVERS: plain, STREAMFORGE_DATA_DIR: dir };
        const sink = await startScript('../bin/streamforge.mjs', ['run', 'sink', '--mode', 'kafka', '--port', '0'], { env });
        const producer = await startScript('bench/kafka-producer.ts', [plain, String(count)], { flags: HEAP_FLAGS });
        try {
          const start = performance.now();
          await producer.next();
          const behind = await waitingFor(bus);
          while ((await waitingFor(bus)) > 0) await sleep(POLL_MS);
          const seconds = (performance.now() - start) / 1_000;
          return [
            { name: 'producer', value: (await peakBytes(producer.pid)) / 1e6, unit: 'MB', goal: GOAL },
            { name: 'sink', value: (await peakBytes(sink.pid)) / 1e6, unit: 'MB', goal: GOAL },
            { name: 'the double of ArangoDB', value: (await peakBytes(double.pid)) / 1e6, unit: 'MB' },
            { name: 'messages in the log when the last was sent', value: behind, unit: 'messages' },
            { name: `all ${count.toLocaleString('en-US')} messages written`, value: count / seconds, unit: 'messages/s' },
          ];
        } finally {
          await Promise.all([producer.end(), sink.end(), double.end(), bus.close()]);
        }
      }),
    ),
};

export default bench;
