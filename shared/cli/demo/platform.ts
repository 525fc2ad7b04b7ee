import type { Ports } from '../../runtime/context.ts';
import type { StartedWorkflow } from '../workflow-client.ts';

/** The platform that a demo runs on: one process, or one process a function. */
export interface DemoPlatform {
  /** What a reader is told of it: where it is. */
  readonly introduction: string;
  /** Base addresses of the API of workflows, and of rows and coverage. */
  readonly workflowsUrl: string;
  readonly statsUrl: string;
  readonly ports: Pick<Ports, 'market' | 'graphs' | 'models' | 'objects'>;
  /** What is done to it while the workflow runs; ends when `signal` aborts. */
  harass(workflow: StartedWorkflow, signal: AbortSignal): Promise<void>;
  /** How often each kind of process was killed; empty where nothing is. */
  readonly killed: ReadonlyMap<string, number>;
  /** How to look around afterwards. */
  readonly lookAround: readonly string[];
  stop(): Promise<void>;
}
