import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { rebuildWorkflows } from '../../functions/workflows/rebuild.ts';
import { AppError } from '../domain/errors.ts';
import { readSettings } from '../runtime/host-settings.ts';
import { openersFor, openPorts } from '../runtime/ports.ts';
import { createParts } from '../runtime/process-parts.ts';

/** Folds `queue-events` of a data folder into its store again, with no host running (the log is locked meanwhile). Sends nothing. */
export async function rebuild(dir: string): Promise<{ readonly workflows: number; readonly events: number }> {
  if (!existsSync(join(dir, 'log.db'))) {
    throw new AppError(
      'not_found',
      `There is no log in ${dir}: nothing to rebuild from. Set STREAMFORGE_DATA_DIR to the folder of the data.`,
      { dir },
    );
  }
  const { platform } = readSettings([], process.env, { dataDir: dir });
  const ports = await openPorts(openersFor(platform, createParts([], platform, new AbortController().signal)));
  try {
    return await rebuildWorkflows(ports);
  } finally {
    await ports.close();
  }
}
