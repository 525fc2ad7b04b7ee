import { defineFunction } from '../../shared/runtime/define-function.ts';

/** The reading API: series and their rows, coverage, saved selections, models and graphs. */
export default defineFunction({
  name: 'stats',
  publishedNames: ['rest-api'],
  triggers: [{ kind: 'http', name: 'stats-http', accepts: [], scaling: { maxReplicas: 10, memoryMiB: 256, cpuMillis: 250 } }],
  sends: [],
  settings: {},
  load: () => import('./handle.ts'),
});
