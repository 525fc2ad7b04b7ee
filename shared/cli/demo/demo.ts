import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Coverage } from '../../domain/coverage.ts';
import { AppError } from '../../domain/errors.ts';
import { seriesId } from '../../domain/series.ts';
import { type Host, startHost } from '../../runtime/host.ts';
import { createLogger } from '../../telemetry/pino-logger.ts';
import { createApiClient } from '../client.ts';
import { FUNCTIONS } from '../functions.ts';
import { EXIT, note, print } from '../output.ts';
import { dataDir } from '../settings.ts';
import { type StartedWorkflow, type WorkflowView, waitForWorkflow } from '../workflow-client.ts';
import { demoFaults, setFaults } from './faults.ts';
import { compareRebuilt } from './rebuilt-candles.ts';
import { type DemoReport, isGood, type LoadedSeries, renderReport } from './report.ts';
import { type DemoScenario, scenarioFor } from './scenario.ts';
import { startSimulatorChild } from './simulator-child.ts';

interface DemoOptions {
  readonly recording?: string;
  readonly distributed?: boolean;
  readonly json: boolean;
}

/**
 * The main job, offline: a simulated exchange that misbehaves, one HTTP call, and a report of what was loaded, proven, built and trained. Keeps its data in
 * `<data dir>/demo`, which it empties first. Returns the exit code: 1 unless everything held and every fault was served.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  if (options.distributed === true)
    throw new AppError('not_yet_supported', 'demo --distributed comes with the Kafka, ArangoDB and S3 adapters.');
  const started = performance.now();
  const dir = join(dataDir(), 'demo');
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  const scenario = scenarioFor(options.recording);
  const simulator = await startSimulatorChild(scenario.simulatorFlags);
  const log = createWriteStream(join(dir, 'demo.log'));
  let host: Host | undefined;
  try {
    const servedFaults = await setFaults(simulator.rest, demoFaults(scenario.trades !== undefined));
    host = await startHost({
      functions: FUNCTIONS,
      port: 0,
      dataDir: dir,
      env: { ...process.env, BINANCE_API_URL: simulator.rest },
      logger: createLogger({ level: 'info', write: (line) => log.write(line) }),
    });
    const client = createApiClient(host.url);
    note(`A simulated exchange at ${simulator.rest} that misbehaves, StreamForge at ${host.url}, one call: POST /workflows`);
    const asked = await client.post<StartedWorkflow>('/workflows', scenario.request);
    const workflow = await waitForWorkflow(client, asked.queue_id);
    const report = await makeReport(host, scenario, workflow, await servedFaults(), {
      dir,
      seconds: (performance.now() - started) / 1_000,
    });
    print(options.json ? JSON.stringify(report) : renderReport(report));
    return isGood(report) ? EXIT.done : EXIT.failed;
  } finally {
    await host?.stop();
    await simulator.stop();
    log.end();
  }
}

async function makeReport(
  host: Host,
  scenario: DemoScenario,
  workflow: WorkflowView,
  faults: DemoReport['faults'],
  run: { readonly dir: string; readonly seconds: number },
): Promise<DemoReport> {
  const client = createApiClient(host.url);
  const { from, to } = scenario;
  const loaded: LoadedSeries[] = [];
  for (const series of scenario.series) {
    const coverage = await client.get<Coverage>(`/coverage/${encodeURIComponent(seriesId(series))}?from=${from}&to=${to}`);
    const rows = await host.ports.market.countRows(series, { from, to });
    loaded.push({ series: coverage.series, rows, complete: coverage.complete, holes: coverage.holes });
  }
  const rebuilt = scenario.trades === undefined ? undefined : await compareRebuilt(host.ports.market, scenario.trades, from, to);
  const detail = (stage: string): Readonly<Record<string, unknown>> => workflow.stages.find((each) => each.stage === stage)?.detail ?? {};
  const graphId = detail('build-graph').graph_id;
  const modelId = detail('train').model_id;
  const graph = typeof graphId === 'string' ? await host.ports.graphs.readGraph(graphId) : undefined;
  const model = typeof modelId === 'string' ? await host.ports.models.readModel(modelId) : undefined;
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
    seconds: run.seconds,
    peak_memory_mb: process.resourceUsage().maxRSS / 1_024,
    data_dir: run.dir,
  };
}
