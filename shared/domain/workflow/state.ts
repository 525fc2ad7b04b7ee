import type { Absence } from '../coverage.ts';
import type { SeriesPlan } from '../plan.ts';
import type { SeriesRange } from '../range.ts';
import type { WorkflowCommand } from './commands.ts';
import type { Failure } from './facts.ts';
import type { Selection, Stage, WorkflowRequest } from './request.ts';

/** `finished` is final; `error` and `interrupted` change only by resume. */
export const WORKFLOW_STATUSES = ['pending', 'loading', 'building', 'training', 'finished', 'error', 'interrupted'] as const;
export type WorkflowStatus = (typeof WORKFLOW_STATUSES)[number];

/** The most shards of one workflow that are out without a verdict: back-pressure, quick stop and fairness in one number. */
export const MAX_IN_FLIGHT = 32;
/** The most tries of one shard in an attempt. */
export const MAX_TRIES = 4;

/** A shard that is out: sent, and without a verdict on this try. The range is that of the try. */
export interface ShardInFlight extends SeriesRange {
  readonly shard: string;
  readonly series: string;
  readonly try: number;
  /** Rows of the shard outside the range of this try, counted by the tries before. */
  readonly kept: number;
}

/** Absences found while loading, merged and cut off at a fixed number: the ledger has them all. */
export interface AbsenceSummary {
  readonly listed: readonly (Absence & { readonly series: string })[];
  /** How many more there were. */
  readonly more: number;
}

/** Where the load stage of the present attempt stands. The plan is laid out from `plan` by number; `cursor` is the first shard that was never sent. */
export interface LoadProgress {
  readonly plan: readonly SeriesPlan[];
  readonly total: number;
  readonly cursor: number;
  readonly done: number;
  readonly flight: readonly ShardInFlight[];
}

export type StageStatus = 'pending' | 'running' | 'completed' | 'error' | 'interrupted';

/** One stage as the reader sees it. Times are epoch ms. */
export interface StageState {
  readonly name: Stage;
  readonly status: StageStatus;
  /** Rows, nodes or models: of the load stage the sum over all attempts. */
  readonly records_written: number;
  readonly started_at?: number;
  readonly finished_at?: number;
  /** Small facts of the component that did it (`graph_id`, `model_id`, …). */
  readonly detail?: Readonly<Record<string, unknown>>;
  readonly absent?: AbsenceSummary;
  readonly error?: Failure;
}

/** How one attempt went. */
export interface AttemptSummary {
  readonly attempt: number;
  readonly status: WorkflowStatus;
  readonly started_at: number;
  readonly finished_at?: number;
  readonly shards: { readonly done: number; readonly all: number };
  /** Why it was stopped or begun. */
  readonly reason?: string;
  readonly error?: WorkflowFailure;
}

/** Why a workflow is in `error`. `missing` names at most a few of the ranges that could not be proven. */
export interface WorkflowFailure extends Failure {
  readonly stage?: Stage;
  readonly shard?: string;
  readonly missing?: readonly SeriesRange[];
}

/** A workflow: what its events add up to, and nothing else. Its size does not grow with the number of its shards. */
export interface WorkflowState {
  readonly queue_id: string;
  readonly request: WorkflowRequest;
  readonly effective_to: number;
  readonly as_of: number;
  readonly status: WorkflowStatus;
  readonly attempt: number;
  /** The highest attempt that a stop has named: a stop that overtook its resume still counts. */
  readonly stopped_attempt: number;
  readonly created_at: number;
  readonly updated_at: number;
  readonly stages: readonly StageState[];
  readonly load?: LoadProgress;
  /** The attempts before this one, the newest twenty. */
  readonly past: readonly AttemptSummary[];
  readonly started_at: number;
  readonly reason?: string;
  readonly error?: WorkflowFailure;
}

/** One shard as the reader sees it; the fold never reads it back. */
export interface ShardRecord extends SeriesRange {
  readonly queue_id: string;
  readonly shard: string;
  readonly attempt: number;
  readonly try: number;
  readonly status: 'sent' | 'persisted' | 'short' | 'failed';
  readonly series: string;
  readonly counted: number;
  readonly missing: readonly SeriesRange[];
  readonly absent: readonly Absence[];
  readonly error?: Failure;
  readonly updated_at: number;
}

/** The saved selection under the name that a request gave to its result. */
export interface SelectionRecord {
  readonly name: string;
  readonly queue_id: string;
  readonly selections: readonly Selection[];
  readonly created_at: number;
}

/** What one fact does to a workflow. `state` is undefined where a fact came for a workflow that was never asked for. */
export interface Step {
  readonly state: WorkflowState | undefined;
  readonly commands: readonly WorkflowCommand[];
  readonly shards: readonly ShardRecord[];
  readonly selection?: SelectionRecord;
}

/** True while something works for the workflow. */
export function isActive(status: WorkflowStatus): boolean {
  return status === 'pending' || status === 'loading' || status === 'building' || status === 'training';
}
