/** Metric names of the platform; every one is documented where it is created. Label values are bounded sets, never ids or paths. */
export interface Metrics {
  count(name: string, labels?: Readonly<Record<string, string>>, by?: number): void;
  gauge(name: string, value: number, labels?: Readonly<Record<string, string>>): void;
  observe(name: string, seconds: number, labels?: Readonly<Record<string, string>>): void;
  /** Prometheus text format. */
  render(): Promise<string>;
}
