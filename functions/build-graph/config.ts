import { z } from 'zod';
import type { SettingsOf, SettingsTable } from '../../shared/runtime/define-function.ts';

export const settings = {
  maxNodes: {
    env: 'GRAPH_MAX_NODES',
    schema: z.coerce.number().int().min(1).max(2_000_000).default(1_000_000),
    meaning: 'most nodes (bars times symbols) of a graph, 1 to 2000000; default 1000000',
  },
} as const satisfies SettingsTable;

export type BuildGraphConfig = SettingsOf<typeof settings>;
