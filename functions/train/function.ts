import { queueEvent } from '../../shared/events/queue-event.ts';
import { TRAIN_TOPIC } from '../../shared/events/topics.ts';
import { train } from '../../shared/events/train.ts';
import { defineFunction } from '../../shared/runtime/define-function.ts';
import { claimKeyOf } from '../../shared/runtime/job-claim-key.ts';
import { settings } from './config.ts';

/** Trains a model on a stored graph, compares it with its baselines and publishes it with its card. */
export default defineFunction({
  name: 'train',
  publishedNames: ['gnn-trainer'],
  triggers: [
    {
      kind: 'job',
      name: 'train',
      group: 'train',
      topic: TRAIN_TOPIC,
      events: [train.type],
      leaseMs: 30_000,
      claimKey: (event) => claimKeyOf('train', event),
      scaling: { lagThreshold: 1, maxReplicas: 3, memoryMiB: 2_048, cpuMillis: 1_000 },
    },
  ],
  sends: [queueEvent.type],
  settings,
  load: () => import('./handle.ts'),
});
