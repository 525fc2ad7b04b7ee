import { z } from 'zod';
import { BACKENDS, type BackendName } from '../../shared/gnn/backend-names.ts';
import type { SettingsOf, SettingsTable } from '../../shared/runtime/define-function.ts';

const isBackend = (name: string): name is BackendName => (BACKENDS as readonly string[]).includes(name);

export const settings = {
  backends: {
    env: 'GNN_BACKEND',
    schema: z
      .string()
      .default(BACKENDS.join())
      .transform((text) => text.split(',').map((name) => name.trim()))
      .refine((names) => names.every(isBackend), { message: 'names no backend', params: { allowed: BACKENDS.join(', ') } })
      .transform((names) => names.filter(isBackend)),
    meaning: `backends to try, in order, parted by commas, of ${BACKENDS.join(', ')}; default all: the first that loads`,
  },
  silentSeconds: {
    env: 'TRAIN_SILENT_SECONDS',
    schema: z.coerce.number().min(1).max(3_600).default(15),
    meaning: 'after how many seconds without a sign of life the process that trains is taken for frozen and replaced; default 15',
  },
} as const satisfies SettingsTable;

export type TrainConfig = SettingsOf<typeof settings>;
