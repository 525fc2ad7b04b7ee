import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { AppError } from '../domain/errors.ts';
import { LABELS, type LabelName, METRICS, type MetricDeclaration } from './metric-table.ts';
import type { Metrics } from './metrics.ts';

type Labels = Readonly<Record<string, string>>;
type Instrument = Counter | Gauge | Histogram;

/** What every label value counts as that is not in its list. */
export const OTHER = 'other';

/**
 * The metrics of one process (or one host of a test): a registry of its own, filled from `METRICS`. A name that the table does not know is given to
 * `onUnknown` and dropped: a typing error must not fail a handler. Missing labels count as `other` too.
 */
export class PrometheusMetrics implements Metrics {
  readonly #registry = new Registry();
  readonly #instruments = new Map<string, { readonly instrument: Instrument; readonly labels: readonly LabelName[] }>();
  readonly #allowed = new Map<string, Set<string>>();
  readonly #onUnknown: (error: AppError) => void;

  constructor(onUnknown: (error: AppError) => void) {
    this.#onUnknown = onUnknown;
    for (const [label, values] of Object.entries(LABELS)) this.#allowed.set(label, new Set(values === 'at-start' ? [] : values));
    for (const [name, declaration] of Object.entries<MetricDeclaration>(METRICS)) {
      this.#instruments.set(name, { instrument: this.#create(name, declaration), labels: declaration.labels });
    }
    addProcessMetrics(this.#registry);
  }

  /** Adds values to a label that is closed at start: functions, triggers, groups, topics, types, routes. */
  allow(label: LabelName, values: Iterable<string>): void {
    const known = this.#allowed.get(label) as Set<string>;
    for (const value of values) known.add(value);
  }

  count(name: string, labels: Labels = {}, by = 1): void {
    const found = this.#find(name, Counter);
    if (found !== undefined) found.instrument.inc(this.#bound(found.labels, labels), by);
  }

  gauge(name: string, value: number, labels: Labels = {}): void {
    const found = this.#find(name, Gauge);
    if (found !== undefined) found.instrument.set(this.#bound(found.labels, labels), value);
  }

  observe(name: string, seconds: number, labels: Labels = {}): void {
    const found = this.#find(name, Histogram);
    if (found !== undefined) found.instrument.observe(this.#bound(found.labels, labels), seconds);
  }

  render(): Promise<string> {
    return this.#registry.metrics();
  }

  #create(name: string, { type, help, labels, buckets }: MetricDeclaration): Instrument {
    const shared = { name, help, labelNames: [...labels], registers: [this.#registry] };
    if (type === 'counter') return new Counter(shared);
    if (type === 'gauge') return new Gauge(shared);
    return new Histogram({ ...shared, buckets: [...(buckets ?? [])] });
  }

  #find<T extends Instrument>(
    name: string,
    type: new (...args: never[]) => T,
  ): { readonly instrument: T; readonly labels: readonly LabelName[] } | undefined {
    const found = this.#instruments.get(name);
    if (found?.instrument instanceof type) return found as { instrument: T; labels: readonly LabelName[] };
    this.#onUnknown(
      new AppError(
        'invalid_setting',
        `The metric ${name} is not declared as a ${type.name.toLowerCase()} in shared/telemetry/metric-table.ts; it is not counted.`,
        { metric: name },
      ),
    );
    return undefined;
  }

  #bound(names: readonly LabelName[], given: Labels): Record<string, string> {
    const bound: Record<string, string> = {};
    for (const name of names) {
      const value = given[name];
      bound[name] = value !== undefined && this.#allowed.get(name)?.has(value) ? value : OTHER;
    }
    return bound;
  }
}

/** What Prometheus expects of every process; read when asked, so that nothing runs in between. */
function addProcessMetrics(registry: Registry): void {
  const registers = [registry];
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the process in bytes.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'User and system CPU time of the process in seconds.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  let before = performance.eventLoopUtilization();
  new Gauge({
    name: 'nodejs_eventloop_utilization',
    help: 'Share of time that the event loop was busy since the last reading, 0 to 1.',
    registers,
    collect() {
      const now = performance.eventLoopUtilization();
      this.set(performance.eventLoopUtilization(now, before).utilization);
      before = now;
    },
  });
}
