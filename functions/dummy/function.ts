import { command } from '../../shared/events/command.ts';
import { queueEvent } from '../../shared/events/queue-event.ts';
import { QUEUE_CONTROL } from '../../shared/events/topics.ts';
import { defineFunction } from '../../shared/runtime/define-function.ts';
import { settings } from './config.ts';

/** The probe of the platform: answers pings and simulates load, failure and waiting. */
export default defineFunction({
  name: 'dummy',
  publishedNames: ['dummy-service'],
  triggers: [
    { kind: 'http', name: 'dummy-http', accepts: [], scaling: { maxReplicas: 10, memoryMiB: 256, cpuMillis: 100 } },
    {
      kind: 'topic',
      name: 'dummy-control',
      group: 'dummy',
      topics: [QUEUE_CONTROL],
      events: [command.type],
      handler: 'handle',
      replayable: false,
      scaling: { lagThreshold: 500, maxReplicas: 1, memoryMiB: 256, cpuMillis: 100 },
    },
  ],
  sends: [queueEvent.type],
  settings,
  load: () => import('./handle.ts'),
});
