import buildGraph from '../../functions/build-graph/function.ts';
import dummy from '../../functions/dummy/function.ts';
import fetch from '../../functions/fetch/function.ts';
import sink from '../../functions/sink/function.ts';
import stats from '../../functions/stats/function.ts';
import train from '../../functions/train/function.ts';
import workflows from '../../functions/workflows/function.ts';
import type { FunctionDefinition } from '../runtime/define-function.ts';

/** Every function of the platform: what the local host runs and what manifests are made of. */
export const FUNCTIONS: readonly FunctionDefinition[] = [
  workflows,
  fetch,
  sink,
  buildGraph,
  train,
  stats,
  dummy,
] as readonly FunctionDefinition[];
