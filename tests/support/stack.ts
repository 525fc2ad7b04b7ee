import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiClient, createApiClient } from '../../shared/cli/client.ts';
import { FUNCTIONS } from '../../shared/cli/functions.ts';
import { type WorkflowView, waitForWorkflow } from '../../shared/cli/workflow-client.ts';
import type { SimulatorOptions } from '../../shared/exchanges/simulator/options.ts';
import { type Simulator, startSimulator } from '../../shared/exchanges/simulator/simulator.ts';
import { type Host, type HostOptions, startHost } from '../../shared/runtime/host.ts';
import { readSettings } from '../../shared/runtime/host-settings.ts';
import { type Openers, openersFor } from '../../shared/runtime/ports.ts';
import { createParts } from '../../shared/runtime/process-parts.ts';
import { createLogger } from '../../shared/telemetry/pino-logger.ts';

/** The platform in this process against a simulated exchange, on a folder of its own. */
export interface Stack {
  readonly dir: string;
  readonly simulator: Simulator;
  readonly host: Host;
  readonly client: ApiClient;
  /** Log lines of the host, newest last. */
  readonly logs: readonly Readonly<Record<string, unknown>>[];
  /** `POST /_sim/faults`. */
  fault(faults: unknown): Promise<void>;
  /** `POST /workflows`, and waits for its end. */
  runWorkflow(request: unknown): Promise<WorkflowView>;
  startWorkflow(request: unknown): Promise<string>;
  waitFor(queueId: string): Promise<WorkflowView>;
  /** A second call waits for the first. */
  stop(): Promise<void>;
}

export interface StackOptions {
  readonly simulator?: SimulatorOptions;
  readonly host?: Partial<HostOptions>;
  /** Other adapters than usual, given how the usual ones are opened. */
  readonly adapters?: (usual: Openers, dir: string) => Partial<Openers>;
  /** Reuses this folder and leaves it behind; default: a temporary one. */
  readonly dir?: string;
}

/** A workflow of a test that has not ended by then never will. */
const LONGEST_MS = 60_000;

/** Starts simulator and host on free ports. Everything is gone after `stop`. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'streamforge-stack-')));
  const simulator = await startSimulator({ weightLimit: 1_000_000, ...options.simulator });
  const logs: Record<string, unknown>[] = [];
  const logger = createLogger({ level: 'debug', write: (line) => logs.push(JSON.parse(line) as Record<string, unknown>) });
  const env = { BINANCE_API_URL: simulator.rest, ...options.host?.env };
  const host = await startHost({
    functions: FUNCTIONS,
    port: 0,
    dataDir: dir,
    logger,
    ...openersOf(options, dir, env, logger),
    ...options.host,
    env,
  }).catch(async (error: unknown) => {
    await simulator.close();
    throw error;
  });
  const client = createApiClient(host.url);
  const startWorkflow = async (request: unknown): Promise<string> =>
    (await client.post<{ queue_id: string }>('/workflows', request)).queue_id;
  const waitFor = (queueId: string): Promise<WorkflowView> =>
    waitForWorkflow(client, queueId, { quiet: true, signal: AbortSignal.timeout(LONGEST_MS) });
  const end = async (): Promise<void> => {
    await host.stop({ graceMs: 5_000 });
    await simulator.close();
    if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
  };
  let stopped: Promise<void> | undefined;
  return {
    dir,
    simulator,
    host,
    client,
    logs,
    async fault(faults) {
      const response = await fetch(`${simulator.rest}/_sim/faults`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(faults),
      });
      if (!response.ok) throw new Error(`The simulator refused the faults: ${await response.text()}`);
    },
    startWorkflow,
    waitFor,
    runWorkflow: async (request) => waitFor(await startWorkflow(request)),
    stop() {
      stopped ??= end();
      return stopped;
    },
  };
}

function openersOf(
  { adapters, host }: StackOptions,
  dir: string,
  env: Readonly<Record<string, string>>,
  logger: ReturnType<typeof createLogger>,
): { openers?: Openers } {
  if (adapters === undefined) return {};
  const { platform } = readSettings([], env, { dataDir: dir });
  const parts = createParts([], platform, new AbortController().signal, { logger, ...host });
  const usual = openersFor(platform, parts);
  return { openers: { ...usual, ...adapters(usual, dir) } };
}
