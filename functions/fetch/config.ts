import { z } from 'zod';
import type { SettingsOf, SettingsTable } from '../../shared/runtime/define-function.ts';

export const settings = {
  leaseSeconds: {
    env: 'FETCH_LEASE_SECONDS',
    schema: z.coerce.number().int().min(3).max(600).default(60),
    meaning: 'how long a shard stays claimed without a renewal; it is renewed three times as often; default 60',
  },
} as const satisfies SettingsTable;

export type FetchConfig = SettingsOf<typeof settings>;
