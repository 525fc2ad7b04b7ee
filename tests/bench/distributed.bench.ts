import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { createApiClient } from '../../shared/cli/client.ts';
import { startDistributedPlatform } from '../../shared/cli/demo/distributed-platform.ts';
import { silentLogger } from '../../shared/telemetry/pino-logger.ts';
import type { TestSimulator } from '../support/simulator.ts';
import { type Bench, type Figure, scaled, withFolder } from './bench.ts';
import { measureLoad, secondsOf, startWarmSimulator } from './measure-load.ts';
import { type PageLoad, pageLoad } from './page-load.ts';
import { watchProcesses } from './process-figures.ts';
import { requireMinio, withBroker } from './servers.ts';

/** Names what the distributed platform is made of, by its command line. */
function nameOf(command: readonly string[]): string | undefined {
  const text = command.join(' ');
  const [, name, mode] = /streamforge\.mjs run (\S+) --mode (\S+)/.exec(text) ?? [];
  if (name !== undefined) return `${name} (${mode})`;
  if (text.includes('kafka.Kafka')) return 'server: Kafka';
  if (text.includes('minio-')) return 'server: MinIO';
  return text.includes('distributed/servers.ts') ? 'server: the double of ArangoDB' : undefined;
}

/** The same load through one process a function, on Kafka, the double of ArangoDB and MinIO. */
function measureDistributed(simulator: TestSimulator, load: PageLoad): Promise<{ seconds: number; peaks: ReadonlyMap<string, number> }> {
  return withFolder(async (dir) => {
    const log = createWriteStream(join(dir, 'processes.log'));
    const watch = watchProcesses(nameOf);
    const platform = await startDistributedPlatform(dir, simulator.rest, silentLogger, log);
    try {
      const seconds = await secondsOf(createApiClient(platform.workflowsUrl), load);
      return { seconds, peaks: await watch.stop() };
    } finally {
      await watch.stop();
      await platform.stop();
      log.end();
    }
  });
}

/** What it costs to be many processes. */
const bench: Bench = {
  name: 'distributed',
  what: 'pages of 1m candles of five symbols, from POST /workflows to finished: one process a function, fetch and sink twice, on Kafka, a double of ArangoDB and MinIO, all on this machine',
  onlyNamed: true,
  async run() {
    requireMinio();
    await withBroker(async () => undefined);
    const load = pageLoad(scaled(200_000));
    const simulator = await startWarmSimulator(load);
    try {
      const embedded = await measureLoad(simulator, load);
      const { seconds, peaks } = await measureDistributed(simulator, load);
      const rows = load.rows.toLocaleString('en-US');
      const figures: Figure[] = [
        { name: `${rows} candles, embedded`, value: load.rows / embedded.seconds, unit: 'rows/s' },
        {
          name: `${rows} candles, distributed`,
          value: load.rows / seconds,
          unit: 'rows/s',
          floor: load.rows / embedded.seconds,
          against: 'embedded: one process, SQLite',
        },
        { name: 'peak memory (VmHWM): embedded host', value: embedded.peakBytes / 1e6, unit: 'MB' },
      ];
      for (const [name, bytes] of [...peaks].sort(([a], [b]) => (a < b ? -1 : 1))) {
        const goal = name.startsWith('server') ? {} : { goal: 'under 250 MB' };
        figures.push({ name: `peak memory (VmHWM): ${name}`, value: bytes / 1e6, unit: 'MB', ...goal });
      }
      return figures;
    } finally {
      await simulator.close();
    }
  },
};

export default bench;
