import type { Bus } from '../bus/bus.ts';
import type { StreamEvent } from '../events/event.ts';
import type { Exchange } from '../exchanges/exchange.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import type { GraphStore } from '../store/graph-store.ts';
import type { MarketStore } from '../store/market-store.ts';
import type { ModelStore } from '../store/model-store.ts';
import type { WorkflowStore } from '../store/workflow-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** Wall clock in epoch ms, and sleeps that end with their signal (they reject with its reason). */
export interface Clock {
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The only source of randomness of a handler. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** `length` characters of `[a-z0-9]`. */
  id(length: number): string;
}

/** Sends events: each goes to the topic and key that its contract names. Resolves when all are durable. */
export interface Publisher {
  publish(events: readonly StreamEvent[], options?: { readonly signal?: AbortSignal }): Promise<void>;
}

/** The outside world, as far as a function may see it. Each port is opened on first use and closed by the runtime. */
export interface Ports {
  readonly bus: Bus;
  readonly market: MarketStore;
  readonly workflows: WorkflowStore;
  readonly graphs: GraphStore;
  readonly models: ModelStore;
  readonly objects: ObjectStore;
  /** Throws `not_yet_supported` for an exchange without adapter. */
  exchange(name: string): Exchange;
}

/** Everything a handler may touch. `C` is the function's parsed settings. */
export interface Context<C = unknown> {
  readonly functionName: string;
  readonly config: C;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly ports: Ports;
  readonly publisher: Publisher;
  /** Aborts when the handler must stop: shutdown past its grace, or the partition was lost. */
  readonly signal: AbortSignal;
}
