import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { ApiClient } from '../../shared/cli/client.ts';
import { ENDED, type StartedWorkflow, type WorkflowView } from '../../shared/cli/workflow-client.ts';
import { startHostProcess } from '../support/host-process.ts';
import { startSimulatorProcess, type TestSimulator } from '../support/simulator.ts';
import { withFolder } from './bench.ts';
import { fetchPages, type PageLoad } from './page-load.ts';
import { peakBytes, processorSeconds } from './process-figures.ts';

const POLL_MS = 50;
/** A rendered page of the synthetic market has some 160,000 bytes; blocks at the edges are rendered whole. */
const CACHED_BYTES_PER_ROW = 200;

/** What a load took: from `POST /workflows` to the end. */
export interface LoadMeasure {
  readonly seconds: number;
  /** Processor time of the host, all threads. */
  readonly cpuSeconds: number;
  /** The host's largest resident size since its start (VmHWM), in bytes. */
  readonly peakBytes: number;
}

/** A simulator in a process of its own that has every page of the load ready: what is measured is not its own work. */
export async function startWarmSimulator(load: PageLoad): Promise<TestSimulator> {
  const pageCacheMib = Math.ceil((load.rows * CACHED_BYTES_PER_ROW) / 1_048_576) + 16;
  const simulator = await startSimulatorProcess({ weightLimit: 100_000_000, pageCacheMib });
  await fetchPages(simulator.rest, load.paths, () => undefined);
  return simulator;
}

/** Seconds that the simulator takes to give all pages to somebody who does nothing with them. */
export async function measurePages(simulator: TestSimulator, load: PageLoad): Promise<number> {
  const start = performance.now();
  await fetchPages(simulator.rest, load.paths, () => undefined);
  return (performance.now() - start) / 1_000;
}

/** Loads everything through a host in a process of its own, on an empty folder. Throws where a row is not proven. */
export function measureLoad(simulator: TestSimulator, load: PageLoad): Promise<LoadMeasure> {
  return withFolder(async (dir) => {
    const host = await startHostProcess({ dir, exchange: simulator.rest });
    try {
      const { pid } = host.process;
      const before = await processorSeconds(pid);
      const seconds = await secondsOf(host.client, load);
      return { seconds, cpuSeconds: (await processorSeconds(pid)) - before, peakBytes: await peakBytes(pid) };
    } finally {
      await host.terminate();
    }
  });
}

/** Seconds from `POST /workflows` to the end. Throws where a row is not proven. */
export async function secondsOf(client: ApiClient, load: PageLoad): Promise<number> {
  const start = performance.now();
  const { queue_id } = await client.post<StartedWorkflow>('/workflows', load.request);
  const view = await untilEnded(() => client.get<WorkflowView>(`/workflows/${queue_id}`));
  const seconds = (performance.now() - start) / 1_000;
  const counted = view.stages[0]?.rows_counted;
  if (view.status !== 'finished' || counted !== load.rows) {
    throw new Error(`${queue_id} is ${view.status} with ${counted} of ${load.rows} rows: ${JSON.stringify(view.error ?? null)}`);
  }
  return seconds;
}

/** The same pages, parsed and upserted by the shortest program that does it, in a process of its own. */
export function measureFloor(simulator: TestSimulator, load: PageLoad): Promise<Omit<LoadMeasure, 'peakBytes'>> {
  return withFolder(async (dir) => {
    const script = resolve(import.meta.dirname, 'page-floor.ts');
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, ['--no-warnings', script, simulator.rest, String(load.rows), dir]);
    return JSON.parse(stdout) as Omit<LoadMeasure, 'peakBytes'>;
  });
}

async function untilEnded(read: () => Promise<WorkflowView>): Promise<WorkflowView> {
  for (;;) {
    const view = await read();
    if (ENDED.has(view.status)) return view;
    await sleep(POLL_MS);
  }
}
