import { CONTRACTS } from '../events/registry.ts';
import { TOPICS } from '../events/topics.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createLogger } from '../telemetry/pino-logger.ts';
import { PrometheusMetrics } from '../telemetry/prometheus-metrics.ts';
import type { Clock, Random } from './context.ts';
import type { FunctionDefinition } from './define-function.ts';
import type { PlatformSettings } from './platform-settings.ts';
import { systemRandom } from './random.ts';
import { systemClock } from './system-clock.ts';

/** What every function of a process shares. */
export interface RuntimeParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: PrometheusMetrics;
  /** Aborts when the process has stopped working: the signal of whoever has no nearer one. */
  readonly signal: AbortSignal;
}

/** Parts that a caller may bring along: a test its clock, the demo its log. */
export type PartOverrides = Partial<Pick<RuntimeParts, 'clock' | 'random' | 'logger'>>;

/** Makes them, and closes the label lists of the metrics over what these functions are. */
export function createParts(
  functions: readonly FunctionDefinition[],
  settings: Pick<PlatformSettings, 'logLevel'>,
  signal: AbortSignal,
  overrides: PartOverrides = {},
): RuntimeParts {
  const logger = overrides.logger ?? createLogger({ level: settings.logLevel });
  const metrics = new PrometheusMetrics((error) => logger.error({ error }, 'A metric was not counted.'));
  const triggers = functions.flatMap((definition) => definition.triggers);
  metrics.allow('function', ['runtime', ...functions.map(({ name }) => name)]);
  metrics.allow(
    'trigger',
    triggers.map(({ name }) => name),
  );
  metrics.allow(
    'group',
    triggers.flatMap((trigger) => ('group' in trigger ? [trigger.group] : [])),
  );
  metrics.allow(
    'topic',
    TOPICS.map(({ name }) => name),
  );
  metrics.allow(
    'type',
    CONTRACTS.map(({ type }) => type),
  );
  return { clock: overrides.clock ?? systemClock, random: overrides.random ?? systemRandom, logger, metrics, signal };
}
