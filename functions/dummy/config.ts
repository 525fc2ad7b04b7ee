import { z } from 'zod';
import type { SettingsOf, SettingsTable } from '../../shared/runtime/define-function.ts';

/** What the probe does from its start on; `POST /simulate` changes it. */
export const MODES = ['idle', 'load', 'fail', 'end-on-ping'] as const;
export type Mode = (typeof MODES)[number];

const seconds = z.coerce.number().min(0).max(86_400);

export const settings = {
  mode: {
    env: 'DUMMY_MODE',
    schema: z.enum(MODES).default('idle'),
    meaning: 'idle, load (events at DUMMY_RATE, then end), fail (after DUMMY_SECONDS) or end-on-ping; default idle',
  },
  rate: {
    env: 'DUMMY_RATE',
    schema: z.coerce.number().min(0.01).max(10_000).default(10),
    meaning: 'events a second while it simulates load; default 10',
  },
  seconds: { env: 'DUMMY_SECONDS', schema: seconds.default(10), meaning: 'how long load lasts, or after how long it fails; default 10' },
} as const satisfies SettingsTable;

export type DummyConfig = SettingsOf<typeof settings>;
