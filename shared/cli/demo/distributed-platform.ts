import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { TOPICS } from '../../events/topics.ts';
import { readSettings } from '../../runtime/host-settings.ts';
import { openersFor, openPorts } from '../../runtime/ports.ts';
import { createParts } from '../../runtime/process-parts.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { createApiClient } from '../client.ts';
import { FUNCTIONS } from '../functions.ts';
import type { WorkflowView } from '../workflow-client.ts';
import { startChild } from './child.ts';
import { type Deployable, type Fleet, startFleet } from './fleet.ts';
import type { DemoPlatform } from './platform.ts';

/** The servers stand where the tests have them: a real broker, a real MinIO, and a double of ArangoDB. */
const servers = fileURLToPath(new URL('../../../tests/support/distributed/servers.ts', import.meta.url));

/** One process a function and trigger, two where they share their partitions. Jobs and the tick are started again as KEDA and a CronJob would. */
const DEPLOYABLES: readonly Deployable[] = [
  { name: 'workflows-http', functionName: 'workflows', mode: 'http', count: 1 },
  { name: 'workflows-events', functionName: 'workflows', mode: 'kafka', count: 1 },
  { name: 'workflows-tick', functionName: 'workflows', mode: 'job', count: 1, restartMs: 10_000 },
  { name: 'fetch', functionName: 'fetch', mode: 'kafka', count: 2 },
  { name: 'sink', functionName: 'sink', mode: 'kafka', count: 2 },
  { name: 'build-graph', functionName: 'build-graph', mode: 'job', count: 1 },
  { name: 'train', functionName: 'train', mode: 'job', count: 1 },
  { name: 'stats-http', functionName: 'stats', mode: 'http', count: 1 },
];

/** What is killed in which state of the workflow; the tick lives too short to be aimed at. */
const VICTIMS: Readonly<Record<string, readonly string[]>> = {
  loading: ['fetch', 'sink', 'workflows-events', 'workflows-http', 'stats-http'],
  building: ['build-graph'],
  training: ['train'],
};
const LOOK_MS = 100;
/** Between two kills of one stage: the next one meets a platform that is still taking over from the last. */
const BETWEEN_MS = 1_500;

/** Starts servers and functions, each in a process of its own. */
export async function startDistributedPlatform(dir: string, exchangeUrl: string, logger: Logger, log: Writable): Promise<DemoPlatform> {
  const backing = await startChild<Readonly<Record<string, string>>>([servers], { log });
  const env = { ...process.env, ...backing.said, BINANCE_API_URL: exchangeUrl, STREAMFORGE_DATA_DIR: dir };
  const { platform } = readSettings(FUNCTIONS, env);
  const over = new AbortController();
  let fleet: Fleet | undefined;
  const ports = await openPorts(openersFor(platform, createParts(FUNCTIONS, platform, over.signal, { logger })));
  const stop = async (): Promise<void> => {
    await fleet?.stop();
    over.abort();
    await ports.close();
    await backing.stop();
  };
  try {
    await ports.bus.admin.ensureTopics(TOPICS);
    fleet = await startFleet(DEPLOYABLES, env, log);
  } catch (error) {
    await stop();
    throw error;
  }
  const started = fleet;
  const workflowsUrl = started.url('workflows-http');
  return {
    introduction: `${DEPLOYABLES.reduce((sum, { count }) => sum + count, 0)} processes of StreamForge on Kafka, a double of ArangoDB, and MinIO; API at ${workflowsUrl}`,
    workflowsUrl,
    statsUrl: started.url('stats-http'),
    ports,
    harass: ({ queue_id }, signal) => killOneOfEach(started, workflowsUrl, queue_id, signal),
    killed: started.killed,
    lookAround: [`What each process said is in ${dir}/demo.log.`],
    stop,
  };
}

/** Kills one process of each kind while the workflow is in the stage that needs it. */
async function killOneOfEach(fleet: Fleet, url: string, queueId: string, signal: AbortSignal): Promise<void> {
  const client = createApiClient(url);
  const left = new Map(Object.entries(VICTIMS).map(([status, names]) => [status, [...names]]));
  while (!signal.aborted) {
    // The API itself is among the victims: no answer means to look again.
    const view = await client.get<WorkflowView>(`/workflows/${queueId}`, { signal }).catch(() => undefined);
    const [name] = left.get(view?.status ?? '') ?? [];
    const isUnderWay = view?.status !== 'loading' || (view.stages[0]?.shards_done ?? 0) > 0;
    if (name !== undefined && isUnderWay && fleet.kill(name)) {
      left.get(view?.status ?? '')?.shift();
      await sleep(BETWEEN_MS, undefined, { signal }).catch(() => undefined);
    }
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
}
