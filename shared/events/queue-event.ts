import { z } from 'zod';
import { STAGES, type Stage } from '../domain/workflow/request.ts';
import { contentHash } from './content-hash.ts';
import { defineContract } from './define-contract.ts';
import { addressText, attemptNumber, count, epochSeconds, type Failure, failureSchema, messageText, shardText } from './fields.ts';
import { QUEUE_EVENTS } from './topics.ts';

/** What a component says of its work. */
export const COMPONENT_STATUSES = ['started', 'loading', 'completed', 'error', 'interrupted'] as const;
export type ComponentStatus = (typeof COMPONENT_STATUSES)[number];

/**
 * What a component did for a workflow; the field names are those of the published specification, from `stage` on they are ours.
 *
 *     {"queue_id": "wf-btcusdt-api_candles_5m-20240801-a1b2c3", "attempt": 1, "producer": "arango-connector__a1b2c3", "symbol": "BTCUSDT",
 *      "type": "api_candles_5m", "status": "loading", "message": "Saved 15000 records", "records_written": 15000, "finished": false,
 *      "timestamp": 1722500125.456, "stage": "load"}
 */
export interface QueueEvent {
  readonly queue_id: string;
  readonly attempt: number;
  /** `<target>__<short id>`. */
  readonly producer: string;
  readonly symbol: string;
  readonly type: string;
  readonly status: ComponentStatus;
  readonly message: string;
  readonly records_written: number;
  /** True once per stage and attempt. */
  readonly finished: boolean;
  /** Seconds since the epoch, with a fraction. */
  readonly timestamp: number;
  readonly stage?: Stage;
  readonly shard?: string;
  /** Facts for the reader and for the next stage (`{"graph_id": "3f2a…"}`). */
  readonly detail?: Readonly<Record<string, unknown>>;
  readonly error?: Failure;
}

const schema: z.ZodType<QueueEvent> = z.looseObject({
  queue_id: addressText,
  attempt: attemptNumber,
  producer: z.string().min(1).max(100),
  symbol: z.string().max(100),
  type: z.string().max(100),
  status: z.enum(COMPONENT_STATUSES),
  message: messageText,
  records_written: count,
  finished: z.boolean(),
  timestamp: epochSeconds,
  stage: z.enum(STAGES).exactOptional(),
  shard: shardText.exactOptional(),
  detail: z.record(z.string(), z.unknown()).exactOptional(),
  error: failureSchema.exactOptional(),
});

/** Everything that was said but the clock: the same news sent again after a crash has the same id. */
function saying({ timestamp: _, ...rest }: QueueEvent): string {
  return contentHash(JSON.stringify(rest));
}

/** `queue-event.v1`. */
export const queueEvent = defineContract<QueueEvent>({
  name: 'queue-event.v1',
  schema,
  topics: [QUEUE_EVENTS],
  key: (data) => data.queue_id,
  id: (data) => `queue-event:${data.queue_id}:${data.attempt}:${data.producer}:${data.status}:${saying(data)}`,
  queueId: ({ queue_id }) => (isEveryone(queue_id) ? undefined : queue_id),
});

/** True for the queue ids that address every component: `*` and `all`. */
export function isEveryone(queueId: string): boolean {
  return queueId === '*' || queueId === 'all';
}
