import { buildGraph } from '../../shared/events/build-graph.ts';
import { command } from '../../shared/events/command.ts';
import { fetchShard } from '../../shared/events/fetch-shard.ts';
import { queueEvent } from '../../shared/events/queue-event.ts';
import { shardVerified } from '../../shared/events/shard-verified.ts';
import { QUEUE_EVENTS } from '../../shared/events/topics.ts';
import { train } from '../../shared/events/train.ts';
import { workflowRequested } from '../../shared/events/workflow-requested.ts';
import { workflowResumeRequested } from '../../shared/events/workflow-resume-requested.ts';
import { workflowStopRequested } from '../../shared/events/workflow-stop-requested.ts';
import { workflowTick } from '../../shared/events/workflow-tick.ts';
import { defineFunction } from '../../shared/runtime/define-function.ts';
import { settings } from './config.ts';
import { GROUP } from './group.ts';

/** Takes requests as events, folds `queue-events` into the state of every workflow, and looks after what stays silent. */
export default defineFunction({
  name: 'workflows',
  publishedNames: ['queue-manager'],
  triggers: [
    { kind: 'http', name: 'workflows-http', accepts: [], scaling: { maxReplicas: 10, memoryMiB: 256, cpuMillis: 100 } },
    {
      kind: 'topic',
      name: 'workflows-events',
      group: GROUP,
      topics: [QUEUE_EVENTS],
      events: [
        workflowRequested.type,
        workflowStopRequested.type,
        workflowResumeRequested.type,
        workflowTick.type,
        shardVerified.type,
        queueEvent.type,
      ],
      handler: 'handleBatch',
      scaling: { lagThreshold: 500, maxReplicas: 12, cooldownSeconds: 120, memoryMiB: 256, cpuMillis: 100 },
    },
    // A CronJob rounds up to its minute; a local host looks more often, so that a killed job is taken up again soon.
    { kind: 'schedule', name: 'workflows-tick', everyMs: 5_000, scaling: { maxReplicas: 1, memoryMiB: 256, cpuMillis: 100 } },
  ],
  sends: [
    workflowRequested.type,
    workflowStopRequested.type,
    workflowResumeRequested.type,
    workflowTick.type,
    queueEvent.type,
    command.type,
    fetchShard.type,
    buildGraph.type,
    train.type,
  ],
  settings,
  load: () => import('./handle.ts'),
});
