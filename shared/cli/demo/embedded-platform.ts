import { startHost } from '../../runtime/host.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { FUNCTIONS } from '../functions.ts';
import type { DemoPlatform } from './platform.ts';

/** Everything in this process, its data in `dir`. */
export async function startEmbeddedPlatform(dir: string, exchangeUrl: string, logger: Logger): Promise<DemoPlatform> {
  const host = await startHost({
    functions: FUNCTIONS,
    port: 0,
    dataDir: dir,
    env: { ...process.env, BINANCE_API_URL: exchangeUrl },
    logger,
  });
  return {
    introduction: `StreamForge at ${host.url}`,
    workflowsUrl: host.url,
    statsUrl: host.url,
    ports: host.ports,
    harass: async () => undefined,
    killed: new Map(),
    lookAround: [
      'Look around: this command opens what the demo stored (API and documentation at /docs):',
      `  STREAMFORGE_DATA_DIR=${dir} npx streamforge serve --simulate`,
    ],
    stop: () => host.stop(),
  };
}
