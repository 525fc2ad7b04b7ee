import { AppError } from '../domain/errors.ts';
import type { Context } from './context.ts';

/** How often a job looks whether its attempt is still wanted: half of the second within which a stop takes effect. */
const LOOK_EVERY_MS = 500;

/** Statuses in which a workflow's jobs work. */
const ACTIVE: readonly string[] = ['pending', 'loading', 'building', 'training'];

/**
 * Runs `work` as long as the workflow's attempt is the current one and not stopped, looking at the store twice a second. Returns what `work` returns, or
 * `superseded` once the attempt was stopped or a newer one began: `work` is aborted by its signal then, and its message is to be acknowledged. A workflow
 * that the store does not know, or knows by an older attempt (it is being rebuilt), counts as current. Rejects with what `work` rejects with.
 */
export async function whileCurrent<T>(
  context: Context,
  job: { readonly queue_id: string; readonly attempt: number },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | 'superseded'> {
  if (!(await isCurrent(context, job))) return 'superseded';
  const over = new AbortController();
  const stopped = new AbortController();
  const watching = watch(context, job, over.signal, stopped);
  try {
    return await work(AbortSignal.any([context.signal, stopped.signal]));
  } catch (error) {
    if (!stopped.signal.aborted || context.signal.aborted) throw error;
    context.logger.info({ attempt: job.attempt }, 'the attempt was stopped: its job is dropped');
    return 'superseded';
  } finally {
    over.abort();
    await watching;
  }
}

async function watch(
  context: Context,
  job: { readonly queue_id: string; readonly attempt: number },
  over: AbortSignal,
  stopped: AbortController,
): Promise<void> {
  while (!over.aborted) {
    try {
      await context.clock.sleep(LOOK_EVERY_MS, over);
      if (await isCurrent(context, job)) continue;
      stopped.abort(new AppError('state_conflict', `Attempt ${job.attempt} of ${job.queue_id} was stopped.`));
      return;
    } catch (error) {
      if (over.aborted) return;
      // A store that is away says nothing about the attempt: the work goes on and looks again.
      context.logger.warn({ error }, 'the state of the workflow could not be read');
    }
  }
}

async function isCurrent(
  context: Context,
  { queue_id, attempt }: { readonly queue_id: string; readonly attempt: number },
): Promise<boolean> {
  const [view] = await context.ports.workflows.readViews([queue_id]);
  if (view === undefined || view.attempt < attempt) return true;
  return view.attempt === attempt && ACTIVE.includes(view.status);
}
