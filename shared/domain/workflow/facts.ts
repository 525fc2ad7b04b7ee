import type { Absence } from '../coverage.ts';
import type { SeriesPlan } from '../plan.ts';
import type { SeriesRange } from '../range.ts';
import type { Stage, WorkflowRequest } from './request.ts';

/** What went wrong, as events and documents carry it. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** A workflow was asked for, with all that its plan is made from. */
export interface Requested extends WorkflowRequest {
  readonly queue_id: string;
  readonly effective_to: number;
  /** The exchange's clock when it was asked, epoch ms. */
  readonly as_of: number;
  readonly lacking: readonly SeriesPlan[];
}

/** A new attempt was asked for, planned from what the ledger lacked then. */
export interface ResumeRequested {
  readonly queue_id: string;
  readonly attempt: number;
  readonly reason: string;
  readonly effective_to: number;
  readonly as_of: number;
  readonly lacking: readonly SeriesPlan[];
}

/** A stop of the attempt that it names, and of none after it. */
export interface StopRequested {
  readonly queue_id: string;
  readonly attempt: number;
  readonly reason: string;
}

/** The sink's verdict about one try of a shard. */
export interface ShardVerdict {
  readonly queue_id: string;
  readonly attempt: number;
  readonly shard: string;
  readonly try: number;
  readonly series: string;
  readonly verdict: 'persisted' | 'short' | 'failed';
  readonly counted: number;
  readonly missing: readonly SeriesRange[];
  readonly absent: readonly Absence[];
  readonly error?: Failure;
}

/** What a component said of its work. */
export interface ComponentNews {
  readonly queue_id: string;
  readonly attempt: number;
  readonly producer: string;
  readonly symbol: string;
  readonly type: string;
  readonly status: 'started' | 'loading' | 'completed' | 'error' | 'interrupted';
  readonly message: string;
  readonly records_written: number;
  readonly finished: boolean;
  /** Seconds since the epoch, with a fraction. */
  readonly timestamp: number;
  readonly stage?: Stage;
  readonly shard?: string;
  readonly detail?: Readonly<Record<string, unknown>>;
  readonly error?: Failure;
}

/** Everything that can change a workflow: the events of `queue-events`. `at` is the event's own time, epoch ms: the fold has no clock. */
export type WorkflowFact =
  | { readonly kind: 'requested'; readonly at: number; readonly data: Requested }
  | { readonly kind: 'stop-requested'; readonly at: number; readonly data: StopRequested }
  | { readonly kind: 'resume-requested'; readonly at: number; readonly data: ResumeRequested }
  | { readonly kind: 'tick'; readonly at: number; readonly data: { readonly queue_id: string } }
  | { readonly kind: 'shard-verified'; readonly at: number; readonly data: ShardVerdict }
  | { readonly kind: 'queue-event'; readonly at: number; readonly data: ComponentNews };
