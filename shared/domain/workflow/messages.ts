import type { ControlMessage, WorkflowCommand } from './commands.ts';
import type { ComponentNews } from './facts.ts';
import { shortIdOf } from './queue-id.ts';
import { type StartTarget, symbolsOf, typesOf } from './request.ts';
import type { ShardInFlight, ShardRecord, WorkflowState } from './state.ts';
import { MANAGER_TARGET, STAGE_TARGETS } from './targets.ts';

/** Longest text of a `queue-event` (its contract). */
const MAX_MESSAGE = 4_000;

/** `<target>__<short id>`, as the published platform names a producer. */
export function telemetryId(target: string, queueId: string): string {
  return `${target}__${shortIdOf(queueId)}`;
}

/** True for what the fold itself has said: it must not react to its own voice. */
export function isOwnNews(news: Pick<ComponentNews, 'producer' | 'queue_id'>): boolean {
  return news.producer === telemetryId(MANAGER_TARGET, news.queue_id);
}

/** A `queue-event` of the fold. */
export function say(
  state: WorkflowState,
  at: number,
  news: Pick<ComponentNews, 'status' | 'message' | 'finished'> &
    Partial<Pick<ComponentNews, 'stage' | 'shard' | 'records_written' | 'detail' | 'error'>>,
): WorkflowCommand {
  return {
    kind: 'queue-event',
    data: {
      queue_id: state.queue_id,
      attempt: state.attempt,
      producer: telemetryId(MANAGER_TARGET, state.queue_id),
      symbol: symbolsOf(state.request)[0] ?? '',
      type: typesOf(state.request)[0] ?? '',
      records_written: 0,
      timestamp: at / 1_000,
      ...news,
      message: news.message.slice(0, MAX_MESSAGE),
    },
  };
}

/** The `start` messages of a workflow: one for each target that the caller named, else one for its first stage. */
export function startMessages(state: WorkflowState, at: number): WorkflowCommand[] {
  const [stage] = state.request.stages;
  const targets: readonly StartTarget[] = state.request.targets ?? (stage === undefined ? [] : [{ target: STAGE_TARGETS[stage] }]);
  return targets.map((target) => {
    const { collection_name } = state.request;
    const named = {
      telemetry_id: telemetryId(target.target, state.queue_id),
      ...(collection_name === undefined ? {} : { collection_name }),
      ...target,
    };
    return control(state, 'start', at, named);
  });
}

/** The `stop` message of a workflow. */
export function stopMessage(state: WorkflowState, at: number): WorkflowCommand {
  return control(state, 'stop', at, {});
}

function control(state: WorkflowState, command: ControlMessage['command'], at: number, target: Partial<StartTarget>): WorkflowCommand {
  const { queue_id, request } = state;
  const [symbol] = symbolsOf(request);
  const [type] = typesOf(request);
  const about = { ...(symbol === undefined ? {} : { symbol }), ...(type === undefined ? {} : { type }), time_range: request.time_range };
  return { kind: 'command', data: { command, queue_id, ...about, ...target, timestamp: at / 1_000 } };
}

/** A shard as the reader sees it when it goes out. */
export function sentRecord(state: WorkflowState, shard: ShardInFlight, at: number): ShardRecord {
  const { kept: _, ...rest } = shard;
  return { queue_id: state.queue_id, attempt: state.attempt, ...rest, status: 'sent', counted: 0, missing: [], absent: [], updated_at: at };
}
