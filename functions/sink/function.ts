import { coverageAdvanced } from '../../shared/events/coverage-advanced.ts';
import { gapDetected } from '../../shared/events/gap-detected.ts';
import { ROW_CONTRACTS } from '../../shared/events/micro-batch.ts';
import { shardCompleted } from '../../shared/events/shard-completed.ts';
import { shardVerified } from '../../shared/events/shard-verified.ts';
import { HISTORY_TOPICS, LIVE_TOPICS } from '../../shared/events/topics.ts';
import { defineFunction } from '../../shared/runtime/define-function.ts';

const rowTypes = [...new Set(Object.values(ROW_CONTRACTS).map((contract) => contract.type))];

const scaling = { lagThreshold: 500, maxReplicas: 12, cooldownSeconds: 120, memoryMiB: 256, cpuMillis: 250 };

/** Writes rows, proves ranges from what is stored, keeps the coverage ledger and says the verdicts. The present and the past apart. */
export default defineFunction({
  name: 'sink',
  publishedNames: ['arango-connector', 'arango-candles', 'arango-trades', 'arango-orderbook'],
  triggers: [
    {
      kind: 'topic',
      name: 'sink-live',
      group: 'sink-live',
      topics: LIVE_TOPICS,
      events: [...rowTypes, coverageAdvanced.type, gapDetected.type],
      handler: 'handleBatch',
      scaling,
    },
    {
      kind: 'topic',
      name: 'sink-history',
      group: 'sink-history',
      topics: HISTORY_TOPICS,
      events: [...rowTypes, shardCompleted.type],
      handler: 'handleBatch',
      scaling,
    },
  ],
  sends: [shardVerified.type],
  settings: {},
  load: () => import('./handle.ts'),
});
