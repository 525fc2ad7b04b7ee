import { z } from 'zod';
import { contentHash } from './content-hash.ts';
import { defineContract } from './define-contract.ts';
import { addressText, epochSeconds } from './fields.ts';
import { isEveryone } from './queue-event.ts';
import { QUEUE_CONTROL } from './topics.ts';

/** The commands that components know; any other is logged and ignored. */
export const COMMANDS = ['start', 'stop', 'ping', 'start-stream', 'stop-stream'] as const;

/**
 * A command to the long-lived components; the field names are those of the published specification. A nudge and a record: nothing depends on it.
 * `queue_id: "*"` (or `"all"`) addresses everyone; `kafka_topic` and `image` are echoed, never used.
 *
 *     {"command": "start", "queue_id": "wf-btcusdt-api_candles_5m-20240801-a1b2c3", "target": "loader-producer", "symbol": "BTCUSDT",
 *      "type": "api_candles_5m", "time_range": "2024-08-01:2024-08-02", "collection_name": "btcusdt_api_candles_5m_2024_08_01",
 *      "telemetry_id": "loader-producer__a1b2c3", "timestamp": 1722500000.123}
 */
export interface Command {
  readonly command: string;
  readonly queue_id: string;
  readonly target?: string;
  readonly symbol?: string;
  readonly type?: string;
  readonly time_range?: string;
  readonly kafka_topic?: string;
  readonly collection_name?: string;
  /** `<target>__<short id>`. */
  readonly telemetry_id?: string;
  readonly image?: string;
  /** Seconds since the epoch, with a fraction. */
  readonly timestamp: number;
}

const text = z.string().max(255).exactOptional();

const schema: z.ZodType<Command> = z.looseObject({
  command: z.string().min(1).max(64),
  queue_id: addressText,
  target: text,
  symbol: text,
  type: text,
  time_range: text,
  kafka_topic: text,
  collection_name: text,
  telemetry_id: text,
  image: text,
  timestamp: epochSeconds,
});

/** `command.v1`. */
export const command = defineContract<Command>({
  name: 'command.v1',
  schema,
  topics: [QUEUE_CONTROL],
  key: (data) => data.queue_id,
  id: (data) => `command:${data.command}:${data.queue_id}:${contentHash(JSON.stringify(data))}`,
  queueId: ({ queue_id }) => (isEveryone(queue_id) ? undefined : queue_id),
});
