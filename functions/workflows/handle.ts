import type { Route } from '../../shared/runtime/define-function.ts';
import type { WorkflowsConfig } from './config.ts';
import { queueRoutes } from './queue-routes.ts';
import { workflowRoutes } from './workflow-routes.ts';

export { handleBatch } from './fold-batch.ts';
export { tick } from './tick.ts';

/** The API of workflows, and the names of the published platform. */
export const routes: readonly Route<WorkflowsConfig>[] = [...workflowRoutes, ...queueRoutes];
