/** A name of the published platform: the function that answers to it, and whether that function is there yet. */
export interface Target {
  readonly target: string;
  readonly function: string;
  readonly does: 'load' | 'store' | 'build-graph' | 'train' | 'probe' | 'manage' | 'later';
}

/** The table of published names (architecture, "A function"). */
export const TARGETS: readonly Target[] = [
  { target: 'queue-manager', function: 'workflows', does: 'manage' },
  { target: 'loader-producer', function: 'fetch', does: 'load' },
  { target: 'loader-api-candles', function: 'fetch', does: 'load' },
  { target: 'loader-api-trades', function: 'fetch', does: 'load' },
  { target: 'loader-ws-candles', function: 'ingest', does: 'later' },
  { target: 'loader-ws-trades', function: 'ingest', does: 'later' },
  { target: 'loader-ws-orderbook', function: 'ingest', does: 'later' },
  { target: 'arango-connector', function: 'sink', does: 'store' },
  { target: 'arango-candles', function: 'sink', does: 'store' },
  { target: 'arango-trades', function: 'sink', does: 'store' },
  { target: 'arango-orderbook', function: 'sink', does: 'store' },
  { target: 'indicator-calculator', function: 'aggregate', does: 'later' },
  { target: 'graph-builder', function: 'build-graph', does: 'build-graph' },
  { target: 'gnn-trainer', function: 'train', does: 'train' },
  { target: 'realtime_gnn_infer', function: 'predict', does: 'later' },
  { target: 'visualizer', function: 'dashboard', does: 'later' },
  { target: 'dashboard', function: 'dashboard', does: 'later' },
  { target: 'dummy-service', function: 'dummy', does: 'probe' },
];

const BY_NAME = new Map(TARGETS.map((target) => [target.target, target]));

/** The target of a published name, or undefined for a name that is not in the table. */
export function findTarget(name: string): Target | undefined {
  return BY_NAME.get(name);
}

/** The name under which the published platform knows this function's part in a workflow. */
export const MANAGER_TARGET = 'queue-manager';

/** Which published name is told to start, by stage. */
export const STAGE_TARGETS = { load: 'loader-producer', 'build-graph': 'graph-builder', train: 'gnn-trainer' } as const;

/** Length of the longest published name: a job's name is the queue id, "-" and its target. */
export const LONGEST_TARGET = Math.max(...TARGETS.map(({ target }) => target.length));
