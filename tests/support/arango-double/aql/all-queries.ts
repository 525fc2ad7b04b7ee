import type { Meaning } from '../aql.ts';
import { CLAIM_QUERIES } from './claim-queries.ts';
import { GRAPH_QUERIES } from './graph-queries.ts';
import { LEDGER_QUERIES } from './ledger-queries.ts';
import { RANGE_QUERIES } from './range-queries.ts';
import { ROW_QUERIES } from './row-queries.ts';
import { WORKFLOW_QUERIES } from './workflow-queries.ts';

/** Every query that the double answers. */
export const ALL_QUERIES: readonly Meaning[] = [
  ...[...ROW_QUERIES, ...RANGE_QUERIES, ...LEDGER_QUERIES],
  ...[...WORKFLOW_QUERIES, ...CLAIM_QUERIES, ...GRAPH_QUERIES],
];
