import { z } from 'zod';
import type { SettingsOf } from '../../shared/runtime/define-function.ts';
import { setting } from '../../shared/runtime/settings.ts';

const seconds = (fallback: number) => z.coerce.number().min(1).max(86_400).default(fallback);

/** What an operator may change about workflows. */
export const settings = {
  maxPlanShards: setting(
    'MAX_PLAN_SHARDS',
    z.coerce.number().int().min(1).max(1_000_000).default(20_000),
    'the most shards of one workflow; a request above it is refused; default 20000',
  ),
  silentSeconds: setting(
    'WORKFLOW_SILENT_SECONDS',
    seconds(120),
    'after how many silent seconds a shard or a job is sent again; default 120',
  ),
  exchangeSeconds: setting(
    'WORKFLOW_EXCHANGE_SECONDS',
    seconds(10),
    'how long a request waits for the exchange before it answers 503; default 10',
  ),
} as const;

export type WorkflowsConfig = SettingsOf<typeof settings>;
