import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Coverage } from '../../domain/coverage.ts';
import { seriesId } from '../../domain/series.ts';
import { createLogger } from '../../telemetry/pino-logger.ts';
import { createApiClient } from '../client.ts';
import { EXIT, note, print } from '../output.ts';
import { dataDir } from '../settings.ts';
import { type StartedWorkflow, type WorkflowView, waitForWorkflow } from '../workflow-client.ts';
import { startDistributedPlatform } from './distributed-platform.ts';
import { startEmbeddedPlatform } from './embedded-platform.ts';
import { demoFaults, setFaults } from './faults.ts';
import type { DemoPlatform } from './platform.ts';
import { compareRebuilt } from './rebuilt-candles.ts';
import { type DemoReport, isGood, type LoadedSeries, renderReport } from './report.ts';
import { type DemoScenario, scenarioFor } from './scenario.ts';
import { startSimulatorChild } from './simulator-child.ts';

interface DemoOptions {
  readonly recording?: string;
  readonly distributed?: boolean;
  readonly json: boolean;
}

/** How long the API may be away while its process is killed and started again. */
const PATIENCE_MS = 60_000;

/**
 * The main job, offline: a simulated exchange that misbehaves, one HTTP call, and a report of what was loaded, proven, built and trained. Distributed, every
 * function is a process of its own on real servers, and one of each kind is killed while it works. Keeps its data in `<data dir>/demo`, which it empties
 * first. Returns the exit code: 1 unless everything held and every fault was served.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const started = performance.now();
  const dir = join(dataDir(), 'demo');
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  const scenario = scenarioFor(options.recording);
  const simulator = await startSimulatorChild(scenario.simulatorFlags);
  const log = createWriteStream(join(dir, 'demo.log'));
  const logger = createLogger({ level: 'info', write: (line) => log.write(line) });
  let platform: DemoPlatform | undefined;
  const over = new AbortController();
  try {
    const servedFaults = await setFaults(simulator.rest, demoFaults(scenario.trades !== undefined));
    platform =
      options.distributed === true
        ? await startDistributedPlatform(dir, simulator.rest, logger, log)
        : await startEmbeddedPlatform(dir, simulator.rest, logger);
    note(`A simulated exchange at ${simulator.rest} that misbehaves, ${platform.introduction}, one call: POST /workflows`);
    const client = createApiClient(platform.workflowsUrl);
    const asked = await client.post<StartedWorkflow>('/workflows', scenario.request);
    const harassed = platform.harass(asked, over.signal);
    const workflow = await waitForWorkflow(client, asked.queue_id, { patienceMs: PATIENCE_MS });
    over.abort();
    await harassed;
    const report = await makeReport(platform, scenario, workflow, await servedFaults(), (performance.now() - started) / 1_000);
    print(options.json ? JSON.stringify(report) : renderReport(report, platform.lookAround));
    return isGood(report) ? EXIT.done : EXIT.failed;
  } finally {
    over.abort();
    await platform?.stop();
    await simulator.stop();
    log.end();
  }
}

async function makeReport(
  platform: DemoPlatform,
  scenario: DemoScenario,
  workflow: WorkflowView,
  faults: DemoReport['faults'],
  seconds: number,
): Promise<DemoReport> {
  const client = createApiClient(platform.statsUrl);
  const { market, graphs, models } = platform.ports;
  const { from, to } = scenario;
  const loaded: LoadedSeries[] = [];
  for (const series of scenario.series) {
    const coverage = await client.get<Coverage>(`/coverage/${encodeURIComponent(seriesId(series))}?from=${from}&to=${to}`);
    const rows = await market.countRows(series, { from, to });
    loaded.push({ series: coverage.series, rows, complete: coverage.complete, holes: coverage.holes });
  }
  const rebuilt = scenario.trades === undefined ? undefined : await compareRebuilt(market, scenario.trades, from, to);
  const detail = (stage: string): Readonly<Record<string, unknown>> => workflow.stages.find((each) => each.stage === stage)?.detail ?? {};
  const graphId = detail('build-graph').graph_id;
  const modelId = detail('train').model_id;
  const graph = typeof graphId === 'string' ? await graphs.readGraph(graphId) : undefined;
  const model = typeof modelId === 'string' ? await models.readModel(modelId) : undefined;
  return {
    source: scenario.source,
    queue_id: workflow.queue_id,
    status: workflow.status,
    ...(workflow.error === undefined ? {} : { error: workflow.error }),
    loaded,
    ...(rebuilt === undefined ? {} : { rebuilt }),
    ...(graph === undefined ? {} : { graph: { graph_id: graph.graph_id, nodes: graph.node_count, edges: graph.edge_counts } }),
    ...(model?.card === undefined ? {} : { model: { model_id: model.model_id, card: model.card } }),
    faults,
    killed: [...platform.killed].map(([kind, times]) => ({ kind, times })),
    seconds,
    peak_memory_mb: process.resourceUsage().maxRSS / 1_024,
  };
}
