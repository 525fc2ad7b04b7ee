import { telemetryId } from '../domain/workflow/messages.ts';
import { STAGE_TARGETS } from '../domain/workflow/targets.ts';
import { type QueueEvent, queueEvent } from '../events/queue-event.ts';
import type { Context } from './context.ts';

/** What a job tells of itself: the stage it does, and for whom. */
export interface StageOf {
  readonly stage: 'build-graph' | 'train';
  readonly queue_id: string;
  readonly attempt: number;
  readonly symbol: string;
  /** `gnn_graph`, `gnn_train`. */
  readonly type: string;
}

/** News of a job on `queue-events`. `detail` are facts for the reader and for the next stage. */
export interface StageNews {
  started(message: string): Promise<void>;
  progress(message: string, detail: Readonly<Record<string, unknown>>): Promise<void>;
  /** Ends the stage: once, after its result is durable. */
  completed(message: string, recordsWritten: number, detail: Readonly<Record<string, unknown>>): Promise<void>;
}

/** The news of one job. Errors are not told here: the runtime publishes them before it dead-letters the message. */
export function createStageNews(context: Context, about: StageOf): StageNews {
  const publish = async (news: Pick<QueueEvent, 'status' | 'message' | 'records_written' | 'finished' | 'detail'>): Promise<void> => {
    const now = context.clock.now();
    const data: QueueEvent = {
      ...about,
      ...news,
      producer: telemetryId(STAGE_TARGETS[about.stage], about.queue_id),
      timestamp: now / 1_000,
    };
    await context.publisher.publish([queueEvent.build(data, { producer: context.functionName, time: now })], { signal: context.signal });
  };
  return {
    started: (message) => publish({ status: 'started', message, records_written: 0, finished: false }),
    progress: (message, detail) => publish({ status: 'loading', message, records_written: 0, finished: false, detail }),
    completed: (message, recordsWritten, detail) =>
      publish({ status: 'completed', message, records_written: recordsWritten, finished: true, detail }),
  };
}
