import { AppError } from '../../shared/domain/errors.ts';
import type { StreamEvent } from '../../shared/events/event.ts';
import type { Context, Ports, Publisher } from '../../shared/runtime/context.ts';
import type { JobContext } from '../../shared/runtime/define-function.ts';
import { seededRandom } from '../../shared/runtime/random.ts';
import type { LogFields, Logger } from '../../shared/telemetry/logger.ts';
import { METRICS } from '../../shared/telemetry/metric-table.ts';
import type { Metrics } from '../../shared/telemetry/metrics.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';

/** One log call, with the fields of its parents. */
export interface LogEntry {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: LogFields;
}

/** One call of `Metrics`; `by` is the count, the gauge's value or the seconds. */
export interface MetricCall {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly by: number;
}

/** What a handler sees in a test, and what it did. */
export interface TestContext<C> extends Context<C> {
  readonly clock: FakeClock;
  readonly logs: LogEntry[];
  readonly measured: MetricCall[];
  /** Events given to the publisher, in order. */
  readonly published: StreamEvent[];
}

/** Ports, settings and whatever else a test wants to be other than the default. A port that is not given fails when it is used. */
export interface TestContextOverrides<C> extends Partial<Omit<Context<C>, 'ports' | 'clock'>> {
  readonly ports?: Partial<Ports>;
  readonly clock?: FakeClock;
  readonly seed?: number;
}

/** A context with a clock that stands still, seeded randomness, captured logs, metrics and events. */
export function createTestContext<C = unknown>(overrides: TestContextOverrides<C> = {}): TestContext<C> {
  const { ports, clock = createFakeClock(), seed = 1, ...given } = overrides;
  const logs: LogEntry[] = [];
  const measured: MetricCall[] = [];
  const published: StreamEvent[] = [];
  return {
    functionName: 'test',
    config: {} as C,
    random: seededRandom(seed),
    logger: recordingLogger(logs),
    metrics: recordingMetrics(measured),
    publisher: recordingPublisher(published),
    signal: new AbortController().signal,
    ...given,
    clock,
    ports: onlyGiven(ports ?? {}),
    logs,
    measured,
    published,
  };
}

/** The same for a job: it holds its claim unless `holdsClaim` says otherwise. */
export function createTestJobContext<C = unknown>(
  overrides: TestContextOverrides<C> & { readonly holdsClaim?: () => Promise<boolean> } = {},
): TestContext<C> & JobContext<C> {
  const { holdsClaim = async () => true, ...rest } = overrides;
  return { ...createTestContext<C>(rest), claim: { key: 'test', token: 'token' }, holdsClaim };
}

/** Writes every call into `logs`. */
export function recordingLogger(logs: LogEntry[], parents: LogFields = {}): Logger {
  const at = (level: LogEntry['level']) => (fields: LogFields, message: string) =>
    void logs.push({ level, message, fields: { ...parents, ...fields } });
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => recordingLogger(logs, { ...parents, ...fields }),
  };
}

/** Writes every call into `calls`. Stricter than production: a metric or label that the table does not declare throws. */
export function recordingMetrics(calls: MetricCall[]): Metrics {
  const record = (type: string) => (name: string, value: number, labels: Readonly<Record<string, string>>) => {
    const declared = Object.entries(METRICS).find(([known]) => known === name)?.[1];
    if (declared?.type !== type) throw new Error(`${name} is not a ${type} of shared/telemetry/metric-table.ts`);
    const strange = Object.keys(labels).filter((label) => !(declared.labels as readonly string[]).includes(label));
    if (strange.length > 0) throw new Error(`${name} has no label ${strange.join(', ')}: shared/telemetry/metric-table.ts`);
    calls.push({ name, labels, by: value });
  };
  const [counter, gauge, histogram] = [record('counter'), record('gauge'), record('histogram')];
  return {
    count: (name, labels = {}, by = 1) => counter(name, by, labels),
    gauge: (name, value, labels = {}) => gauge(name, value, labels),
    observe: (name, seconds, labels = {}) => histogram(name, seconds, labels),
    render: async () => '',
  };
}

/** Keeps events instead of sending them. */
export function recordingPublisher(published: StreamEvent[]): Publisher {
  return {
    async publish(events, options) {
      options?.signal?.throwIfAborted();
      published.push(...events);
    },
  };
}

function onlyGiven(given: Partial<Ports>): Ports {
  const missing = (name: string): never => {
    throw new AppError('invalid_setting', `The test gave no port ${name}: pass it in createTestContext({ports: {${name}}}).`);
  };
  return new Proxy(given, {
    get: (target, name) => (typeof name === 'string' && !(name in target) && name !== 'then' ? missing(name) : Reflect.get(target, name)),
  }) as Ports;
}
