import { buildGraph } from '../../shared/events/build-graph.ts';
import { queueEvent } from '../../shared/events/queue-event.ts';
import { BUILD_GRAPH_TOPIC } from '../../shared/events/topics.ts';
import { defineFunction } from '../../shared/runtime/define-function.ts';
import { claimKeyOf } from '../../shared/runtime/job-claim-key.ts';
import { settings } from './config.ts';

/** Builds a graph from proven candles, under the hash of what went in. */
export default defineFunction({
  name: 'build-graph',
  publishedNames: ['graph-builder'],
  triggers: [
    {
      kind: 'job',
      name: 'build-graph',
      group: 'build-graph',
      topic: BUILD_GRAPH_TOPIC,
      events: [buildGraph.type],
      leaseMs: 30_000,
      claimKey: (event) => claimKeyOf('build-graph', event),
      scaling: { lagThreshold: 1, maxReplicas: 3, memoryMiB: 1_024, cpuMillis: 1_000 },
    },
  ],
  sends: [queueEvent.type],
  settings,
  load: () => import('./handle.ts'),
});
