import type { Route } from '../../shared/runtime/define-function.ts';
import { collectionRoutes } from './collection-routes.ts';
import { coverageRoutes } from './coverage-routes.ts';
import { modelRoutes } from './model-routes.ts';
import { rowRoutes } from './row-routes.ts';
import { seriesRoutes } from './series-routes.ts';

/** Everything that can be read. No route writes anything. */
export const routes: readonly Route<unknown>[] = [...seriesRoutes, ...rowRoutes, ...coverageRoutes, ...collectionRoutes, ...modelRoutes];
