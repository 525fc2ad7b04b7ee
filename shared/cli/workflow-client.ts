import { setTimeout as sleep } from 'node:timers/promises';
import type { Absence } from '../domain/coverage.ts';
import { toAppError } from '../domain/errors.ts';
import type { ApiClient } from './client.ts';
import { formatCount } from './output.ts';
import { createProgress } from './progress.ts';

/** What `POST /workflows` answers. */
export interface StartedWorkflow {
  readonly queue_id: string;
  readonly status: string;
  readonly effective_to: number;
  readonly plan: {
    readonly shards: number | null;
    readonly rows: number | null;
    readonly calls: number | null;
    readonly seconds: number | null;
  };
}

/** One stage as `GET /workflows/{queue_id}` shows it. */
export interface StageView {
  readonly stage: string;
  readonly status: string;
  readonly shards_done?: number;
  readonly shards_total?: number | null;
  readonly records_written?: number;
  readonly rows_counted?: number;
  readonly absent?: readonly (Absence & { readonly series: string })[];
  readonly absent_count?: number;
  readonly started_at?: number;
  readonly finished_at?: number;
  readonly detail?: Readonly<Record<string, unknown>>;
  readonly message?: string;
}

/** What `GET /workflows/{queue_id}` shows. */
export interface WorkflowView {
  readonly queue_id: string;
  readonly status: string;
  readonly attempt: number;
  readonly symbols: readonly string[];
  readonly types: readonly string[];
  readonly time_range?: string;
  readonly stages: readonly StageView[];
  readonly error?: { readonly code: string; readonly message: string };
  readonly created_at: number;
  readonly updated_at: number;
}

/** Statuses in which nothing more will happen by itself. */
export const ENDED: ReadonlySet<string> = new Set(['finished', 'error', 'interrupted']);

const POLL_MS = 250;

/** Waits until a workflow has ended and shows its progress meanwhile. A host that does not answer is asked again for `patienceMs`, default 0. */
export async function waitForWorkflow(
  client: ApiClient,
  queueId: string,
  options: { readonly quiet?: boolean; readonly signal?: AbortSignal; readonly patienceMs?: number } = {},
): Promise<WorkflowView> {
  const progress = options.quiet === true ? undefined : createProgress();
  const call = options.signal === undefined ? {} : { signal: options.signal };
  let answeredAt = performance.now();
  try {
    for (;;) {
      const view = await client.get<WorkflowView>(`/workflows/${queueId}`, call).catch((error: unknown) => {
        if (performance.now() - answeredAt >= (options.patienceMs ?? 0) || toAppError(error).meaning !== 'retryable') throw error;
        return undefined;
      });
      if (view === undefined) {
        await sleep(POLL_MS, undefined, call);
        continue;
      }
      answeredAt = performance.now();
      const { done, total, label } = describeProgress(view);
      progress?.update(done, total, label);
      if (ENDED.has(view.status)) return view;
      await sleep(POLL_MS, undefined, call);
    }
  } finally {
    progress?.end();
  }
}

function describeProgress(view: WorkflowView): { done: number; total: number | null; label: string } {
  const stage = view.stages.findLast((candidate) => candidate.status !== 'pending') ?? view.stages[0];
  if (stage === undefined) return { done: 0, total: null, label: view.status };
  if (stage.stage !== 'load') return { done: 0, total: null, label: `${stage.stage}: ${stage.message ?? stage.status}` };
  const done = stage.shards_done ?? 0;
  const total = stage.shards_total ?? null;
  const rows = formatCount(stage.records_written ?? 0);
  return {
    done,
    total,
    label: `load: ${formatCount(done)}${total === null ? '' : ` of ${formatCount(total)}`} shards proven, ${rows} rows`,
  };
}
