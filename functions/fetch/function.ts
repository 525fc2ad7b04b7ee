import { fetchShard } from '../../shared/events/fetch-shard.ts';
import { rowContract } from '../../shared/events/micro-batch.ts';
import { queueEvent } from '../../shared/events/queue-event.ts';
import { shardCompleted } from '../../shared/events/shard-completed.ts';
import { fetchTopic } from '../../shared/events/topics.ts';
import { defineFunction } from '../../shared/runtime/define-function.ts';
import { settings } from './config.ts';

/** Reads shards of history from an exchange and sends their rows, then the marker that says what was read. */
export default defineFunction({
  name: 'fetch',
  publishedNames: ['loader-producer', 'loader-api-candles', 'loader-api-trades'],
  triggers: [
    {
      kind: 'topic',
      name: 'fetch-binance',
      group: 'fetch-binance',
      topics: [fetchTopic('binance')],
      events: [fetchShard.type],
      handler: 'handle',
      // Shards are independent, and each has its claim: while one waits for a page, the rows of another are sent.
      eventsAtOnce: 2,
      scaling: { lagThreshold: 5, maxReplicas: 4, cooldownSeconds: 120, memoryMiB: 256, cpuMillis: 250 },
    },
  ],
  sends: [rowContract('candles').type, rowContract('trades').type, rowContract('agg-trades').type, shardCompleted.type, queueEvent.type],
  settings,
  load: () => import('./handle.ts'),
});
