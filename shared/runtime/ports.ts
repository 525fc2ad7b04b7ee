import { join } from 'node:path';
import type { Bus } from '../bus/bus.ts';
import type { KafkaBusOptions } from '../bus/kafka/options.ts';
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
import { SharedBudget } from './shared-budget.ts';

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
  /** An exchange's request budget is a document of the store. */
  readonly exchanges: Readonly<Partial<Record<ExchangeName, (stores: Pick<Stores, 'workflows'>) => Promise<Exchange>>>>;
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
 * The adapters that the settings ask for, each imported when it is opened: embedded ones, and a distributed one wherever its address is set. Throws
 * `missing_setting` for an address without what belongs to it.
 */
export function openersFor(settings: PlatformSettings, parts: AdapterParts): Openers {
  const { binanceApiUrl } = settings;
  return {
    bus: busOpener(settings, parts),
    stores: storesOpener(settings),
    objects: objectsOpener(settings, parts),
    exchanges: {
      binance: async ({ workflows }) => {
        const { BinanceExchange } = await import('../exchanges/binance/binance-exchange.ts');
        const { ASSUMED_WEIGHT_LIMIT: limit } = await import('../exchanges/binance/binance-options.ts');
        const budget = new SharedBudget({ exchange: 'binance', workflows, limit, ...parts });
        return new BinanceExchange({ ...parts, budget, ...(binanceApiUrl === undefined ? {} : { baseUrl: binanceApiUrl }) });
      },
    },
  };
}

/** How Kafka is reached by these settings; undefined where the log is embedded. Throws `missing_setting` for a user without a password. */
export function kafkaOptions(settings: PlatformSettings): KafkaBusOptions | undefined {
  const { kafkaServers, kafkaUser, kafkaPassword, kafkaCaPath, kafkaSaslMechanism } = settings;
  if (kafkaServers === undefined) return undefined;
  if (kafkaUser !== undefined && kafkaPassword === undefined) throw lacks('KAFKA_USER', 'KAFKA_PASSWORD');
  return {
    bootstrapServers: kafkaServers,
    mechanism: kafkaSaslMechanism,
    ...(kafkaUser === undefined ? {} : { user: kafkaUser }),
    ...(kafkaPassword === undefined ? {} : { password: kafkaPassword }),
    ...(kafkaCaPath === undefined ? {} : { caPath: kafkaCaPath }),
  };
}

function busOpener(settings: PlatformSettings, { clock }: AdapterParts) {
  const { dataDir: dir } = settings;
  const kafka = kafkaOptions(settings);
  if (kafka === undefined) return async () => (await import('../bus/embedded/embedded-bus.ts')).openEmbeddedBus({ dir, clock });
  return async (): Promise<Bus> => (await import('../bus/kafka/kafka-bus.ts')).openKafkaBus(kafka);
}

function storesOpener(settings: PlatformSettings) {
  const { dataDir: dir, arangoUrl: url, arangoDatabase: database, arangoUser: user, arangoPassword: password } = settings;
  if (url === undefined)
    return async (): Promise<Stores> => (await import('../store/sqlite/open-sqlite-store.ts')).openSqliteStore({ dir });
  const options = { url, database, user, password };
  return async (): Promise<Stores> => (await import('../store/arango/open-arango-stores.ts')).openArangoStores(options);
}

function objectsOpener(settings: PlatformSettings, { clock, random }: AdapterParts) {
  const { dataDir, s3Endpoint: endpoint, s3Bucket: bucket, s3Region: region, s3AccessKey: accessKey, s3SecretKey: secretKey } = settings;
  if (endpoint === undefined) {
    const dir = join(dataDir, 'objects');
    return async () => new (await import('../objects/folder/folder-object-store.ts')).FolderObjectStore({ dir });
  }
  if (accessKey === undefined) throw lacks('S3_ENDPOINT', 'S3_ACCESS_KEY');
  if (secretKey === undefined) throw lacks('S3_ENDPOINT', 'S3_SECRET_KEY');
  const options = { endpoint, bucket, region, accessKey, secretKey, clock, random };
  return async (): Promise<ObjectStore> => (await import('../objects/s3/s3-object-store.ts')).openS3ObjectStore(options);
}

function lacks(set: string, missing: string): AppError {
  return new AppError('missing_setting', `${set} is set: ${missing} (or ${missing}_FILE) is needed too.`, {
    fields: [{ path: missing, problem: 'is missing' }],
  });
}

/**
 * Opens log, stores and objects side by side; exchanges with their first call. Whatever was opened is closed again where another fails.
 * Throws what the adapters throw (`data_dir_locked`, `invalid_setting`, …).
 */
export async function openPorts(openers: Openers): Promise<OpenPorts> {
  const [bus, stores, objects] = await openAll(openers.bus(), openers.stores(), openers.objects());
  const workflows = classifyErrors(stores.workflows, 'store');
  const exchanges = new Map<string, Exchange>();
  return {
    bus: classifyErrors(bus, 'bus'),
    market: classifyErrors(stores.market, 'store'),
    workflows,
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
      const exchange = lazyExchange(venue as ExchangeName, () => open({ workflows }));
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
