import { join } from 'node:path';
import type { Bus } from '../bus/bus.ts';
import { AppError } from '../domain/errors.ts';
import type { ExchangeName } from '../domain/series.ts';
import type { Exchange } from '../exchanges/exchange.ts';
import type { ObjectStore } from '../objects/object-store.ts';
import type { GraphStore } from '../store/graph-store.ts';
import type { MarketStore } from '../store/market-store.ts';
import type { ModelStore } from '../store/model-store.ts';
import type { WorkflowStore } from '../store/workflow-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { classifyErrors } from './adapter-errors.ts';
import type { Clock, Ports, Random } from './context.ts';
import { lazyExchange } from './lazy-exchange.ts';
import type { PlatformSettings } from './platform-settings.ts';

/** The four stores of one database, closed together. */
export interface Stores {
  readonly market: MarketStore;
  readonly workflows: WorkflowStore;
  readonly graphs: GraphStore;
  readonly models: ModelStore;
  close(): Promise<void>;
}

/** How each adapter is opened: the table by which embedded and distributed halves are told apart. */
export interface Openers {
  readonly bus: () => Promise<Bus>;
  readonly stores: () => Promise<Stores>;
  readonly objects: () => Promise<ObjectStore>;
  readonly exchanges: Readonly<Partial<Record<ExchangeName, () => Promise<Exchange>>>>;
}

/** What adapters are made with. */
export interface AdapterParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** Ports that are open, and their end in the order of a shutdown: the log is flushed first, then the database, then all else. */
export interface OpenPorts extends Ports {
  /** Closes everything that was opened. A failure of one does not keep the others open; the first one is thrown at the end. */
  close(): Promise<void>;
}

/**
 * The adapters that the settings ask for, each imported when it is opened. Throws `not_yet_supported` for the distributed ones: Kafka, ArangoDB and S3
 * stand behind the same ports.
 */
export function openersFor(settings: PlatformSettings, parts: AdapterParts): Openers {
  const later = [
    ['KAFKA_BOOTSTRAP_SERVERS', settings.kafkaServers],
    ['ARANGO_URL', settings.arangoUrl],
    ['S3_ENDPOINT', settings.s3Endpoint],
  ].flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (later.length > 0) {
    throw new AppError('not_yet_supported', `${later.join(', ')}: this version has the embedded log, store and objects only. Unset them.`);
  }
  const { dataDir: dir, binanceApiUrl } = settings;
  return {
    bus: async () => (await import('../bus/embedded/embedded-bus.ts')).openEmbeddedBus({ dir, clock: parts.clock }),
    stores: async () => (await import('../store/sqlite/open-sqlite-store.ts')).openSqliteStore({ dir }),
    objects: async () => new (await import('../objects/folder/folder-object-store.ts')).FolderObjectStore({ dir: join(dir, 'objects') }),
    exchanges: {
      binance: async () => {
        const { BinanceExchange } = await import('../exchanges/binance/binance-exchange.ts');
        return new BinanceExchange({ ...parts, ...(binanceApiUrl === undefined ? {} : { baseUrl: binanceApiUrl }) });
      },
    },
  };
}

/**
 * Opens log, stores and objects side by side; exchanges with their first call. Whatever was opened is closed again where another fails.
 * Throws what the adapters throw (`data_dir_locked`, `invalid_setting`, …).
 */
export async function openPorts(openers: Openers): Promise<OpenPorts> {
  const [bus, stores, objects] = await openAll(openers.bus(), openers.stores(), openers.objects());
  const exchanges = new Map<string, Exchange>();
  return {
    bus: classifyErrors(bus, 'bus'),
    market: classifyErrors(stores.market, 'store'),
    workflows: classifyErrors(stores.workflows, 'store'),
    graphs: classifyErrors(stores.graphs, 'store'),
    models: classifyErrors(stores.models, 'store'),
    objects: classifyErrors(objects, 'objects'),
    exchange(name) {
      const known = exchanges.get(name);
      if (known !== undefined) return known;
      const [venue, open] = Object.entries(openers.exchanges).find(([each]) => each === name) ?? [];
      if (venue === undefined || open === undefined) {
        throw new AppError('not_yet_supported', `There is no adapter for the exchange ${JSON.stringify(name)} yet.`, { exchange: name });
      }
      const exchange = lazyExchange(venue as ExchangeName, open);
      exchanges.set(name, exchange);
      return exchange;
    },
    async close() {
      const failures: unknown[] = [];
      for (const closable of [bus, stores, objects, ...exchanges.values()]) {
        await closable.close().catch((error: unknown) => failures.push(error));
      }
      if (failures.length > 0) throw failures[0];
    },
  };
}

interface Closable {
  close(): Promise<void>;
}

async function openAll<T extends readonly Closable[]>(...opening: { readonly [K in keyof T]: Promise<T[K]> }): Promise<T> {
  const settled = await Promise.allSettled(opening as readonly Promise<Closable>[]);
  const failed = settled.find((result) => result.status === 'rejected');
  if (failed === undefined) return settled.map((result) => (result as PromiseFulfilledResult<Closable>).value) as unknown as T;
  // The first failure is the one to tell; one of closing what had opened adds nothing to it.
  await Promise.allSettled(settled.map((result) => (result.status === 'fulfilled' ? result.value.close() : undefined)));
  throw failed.reason;
}
