import type { BusRecord } from '../bus/bus.ts';
import { type AppError, toAppError } from '../domain/errors.ts';
import { buildGraph } from '../events/build-graph.ts';
import { command } from '../events/command.ts';
import type { StreamEvent } from '../events/event.ts';
import { fetchShard } from '../events/fetch-shard.ts';
import { type QueueEvent, queueEvent } from '../events/queue-event.ts';
import { shardCompleted } from '../events/shard-completed.ts';
import { train } from '../events/train.ts';
import type { WorkflowDocument } from '../store/workflow-store.ts';

/** An event that could not be handled; `event` is absent where the record is none. */
export interface FailedEvent {
  readonly record: BusRecord;
  readonly event?: StreamEvent;
  readonly group: string;
  readonly trigger: string;
}

const STAGES: Readonly<Record<string, 'load' | 'build-graph' | 'train'>> = {
  [fetchShard.type]: 'load',
  [shardCompleted.type]: 'load',
  [buildGraph.type]: 'build-graph',
  [train.type]: 'train',
};

/**
 * The workflow that has to hear of the failure, if there is one. Not told: a failed `command` (a nudge on which nothing depends), and a failed error report
 * (its own report would fail the same way, for ever).
 */
export function workflowOf({ event, record }: FailedEvent): string | undefined {
  if (event?.type === command.type) return undefined;
  if (event?.type === queueEvent.type && field(event.data, 'status') === 'error') return undefined;
  return event?.queueid ?? record.headers.ce_queueid;
}

/**
 * The `queue-event` that says so: status `error`, with code and message. What the event does not say (its attempt, symbol, type) is taken from the stored
 * workflow. Throws `contract_mismatch` where the queue id is none.
 */
export function failureEvent(
  failed: FailedEvent,
  error: AppError,
  about: { readonly functionName: string; readonly queueId: string; readonly workflow: WorkflowDocument | undefined; readonly now: number },
): StreamEvent<QueueEvent> {
  const { functionName, queueId, workflow, now } = about;
  const { event, record, trigger } = failed;
  const data = readableData(event);
  const attempt = field(data, 'attempt');
  const shard = field(data, 'shard');
  const stage = event === undefined ? undefined : STAGES[event.type];
  const what = event === undefined ? 'A record' : `The event ${event.type}`;
  return queueEvent.build(
    {
      queue_id: queueId,
      attempt: typeof attempt === 'number' && Number.isInteger(attempt) && attempt > 0 ? attempt : (workflow?.attempt ?? 1),
      producer: `${functionName}__${queueId.slice(queueId.lastIndexOf('-') + 1)}`.slice(0, 100),
      symbol: symbolOf(data) ?? workflow?.symbols[0] ?? '',
      type: workflow?.types[0] ?? '',
      status: 'error',
      message: `${what} could not be handled by ${trigger} and went to its dead letters: ${error.message}`.slice(0, 4_000),
      records_written: 0,
      finished: false,
      timestamp: now / 1000,
      ...(stage === undefined ? {} : { stage }),
      ...(typeof shard === 'string' && event?.type !== queueEvent.type ? { shard } : {}),
      detail: { dead_letter: { topic: record.topic, partition: record.partition, offset: record.offset, group: failed.group } },
      error: { code: error.code, message: error.message.slice(0, 4_000) },
    },
    { producer: functionName, time: now, ...(event?.traceparent === undefined ? {} : { traceparent: event.traceparent }) },
  );
}

/** The data of an event, unless just that is what went wrong: rows are read when they are asked for. */
function readableData(event: StreamEvent | undefined): unknown {
  try {
    return event?.data;
  } catch (error) {
    if (toAppError(error).code === 'unparsable_event') return undefined;
    throw error;
  }
}

function symbolOf(data: unknown): string | undefined {
  const symbol = field(data, 'symbol') ?? String(field(data, 'series') ?? '').split(':')[1];
  return typeof symbol === 'string' && symbol !== '' ? symbol.slice(0, 100) : undefined;
}

function field(data: unknown, name: string): unknown {
  return typeof data === 'object' && data !== null ? (data as Record<string, unknown>)[name] : undefined;
}
