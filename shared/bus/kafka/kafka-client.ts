import { readFile } from 'node:fs/promises';
import { connect as connectTls } from 'node:tls';
import { type Cluster, Kafka, type KafkaConfig, logLevel, type PartitionAssigner, type RetryOptions, type SASLOptions } from 'kafkajs';
import { AppError } from '../../domain/errors.ts';
import { disconnect } from './connection.ts';
import { CallTimeout, within } from './deadline.ts';
import { toBusError } from './kafka-errors.ts';
import { DEFAULT_TIMING, type KafkaBusOptions, type KafkaTiming } from './options.ts';

const CONNECT_MS = 5_000;
const REQUEST_MS = 15_000;
/** How often a connection asks again by itself before it tells us. */
const RETRY: RetryOptions = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 8 };

/** kafkajs with the platform's settings. */
export interface KafkaClient {
  readonly kafka: Kafka;
  /** A client of its own for one consumer: consumers of one client share what they know of their group's offsets. */
  createKafka(): Kafka;
  /** Who comes, for messages. */
  readonly user: string;
  readonly timing: KafkaTiming;
  readonly replicationFactor: number | undefined;
  /** A connection of its own, without a group and without a producer. Not connected yet. */
  createCluster(): Cluster;
}

/** Makes the client and finds out whether the brokers let it in. Throws `invalid_setting` for what no waiting cures, `bus_unavailable` where nobody answers. */
export async function connectKafka(options: KafkaBusOptions): Promise<KafkaClient> {
  silenceNegativeTimeouts();
  const servers = options.bootstrapServers
    .split(',')
    .map((server) => server.trim())
    .filter((server) => server !== '');
  if (servers.length === 0) throw new AppError('invalid_setting', 'KAFKA_BOOTSTRAP_SERVERS names no broker: set it to host:port.', {});
  const config: KafkaConfig = {
    clientId: options.clientId ?? 'streamforge',
    brokers: servers,
    connectionTimeout: CONNECT_MS,
    authenticationTimeout: REQUEST_MS,
    requestTimeout: REQUEST_MS,
    retry: RETRY,
    // What goes wrong is said once, where it is decided: by the errors of the bus.
    logLevel: logLevel.NOTHING,
    logCreator: () => () => {},
    ...(options.caPath === undefined ? {} : { ssl: { ca: [await readAuthority(options.caPath)] } }),
    ...(options.user === undefined ? {} : { sasl: saslOf(options) }),
  };
  const kafka = new Kafka(config);
  const user = options.user ?? 'ANONYMOUS';
  await probe(config, servers, user);
  return {
    kafka,
    createKafka: () => new Kafka(config),
    user,
    timing: { ...DEFAULT_TIMING, ...options.timing },
    replicationFactor: options.replicationFactor,
    createCluster: () => clusterOf(kafka),
  };
}

/** kafkajs hands its connections to whoever assigns partitions: its documented way to what a consumer or an admin does not offer (fetching without a group). */
function clusterOf(kafka: Kafka): Cluster {
  let cluster: Cluster | undefined;
  const capture: PartitionAssigner = (parts) => {
    cluster = parts.cluster;
    return { name: 'none', version: 0, assign: async () => [], protocol: () => ({ name: 'none', metadata: Buffer.alloc(0) }) };
  };
  kafka.consumer({ groupId: 'none', partitionAssigners: [capture], allowAutoTopicCreation: false, metadataMaxAge: 60_000 });
  if (cluster === undefined) throw new AppError('unclassified', 'kafkajs made no connection for a partition assigner.', {});
  return cluster;
}

/** Connects once without patience, so that what is refused for good is told at once and not after a row of retries. */
async function probe(config: KafkaConfig, servers: readonly string[], user: string): Promise<void> {
  const where = servers.join(', ');
  let failure: unknown;
  for (let tries = 0; tries < 3; tries++) {
    try {
      await greet(config);
      return;
    } catch (error) {
      failure = error;
      const known = toBusError(error, { doing: `connect to ${where}`, user });
      if (known.code !== 'bus_unavailable') throw known;
      if (error instanceof CallTimeout) break;
    }
  }
  const encrypted = config.ssl !== undefined;
  if (encrypted ? await answersPlainly(config) : await answersTls(servers[0] ?? '')) {
    const message = encrypted
      ? `The brokers at ${where} speak no TLS and user ${user} came with it: unset KAFKA_CA_PATH, or name their encrypted port.`
      : `The brokers at ${where} speak TLS and user ${user} came without it: set KAFKA_CA_PATH to the authority that signed their certificate.`;
    throw new AppError('invalid_setting', message, { user }, failure);
  }
  throw toBusError(failure, { doing: `connect to ${where}`, user });
}

async function greet(config: KafkaConfig): Promise<void> {
  const cluster = clusterOf(new Kafka({ ...config, retry: { retries: 0 } }));
  try {
    await within(REQUEST_MS, 'Connecting', cluster.connect());
  } finally {
    void disconnect(cluster);
  }
}

async function answersPlainly({ ssl: _, sasl: __, ...plain }: KafkaConfig): Promise<boolean> {
  return greet(plain).then(
    () => true,
    () => false,
  );
}

function answersTls(server: string): Promise<boolean> {
  const at = server.lastIndexOf(':');
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connectTls({ host: server.slice(0, at), port: Number(server.slice(at + 1)), rejectUnauthorized: false });
  const end = (answer: boolean): void => {
    socket.destroy();
    resolve(answer);
  };
  socket.setTimeout(CONNECT_MS, () => end(false));
  socket.once('secureConnect', () => end(true));
  socket.once('error', () => end(false));
  return promise;
}

async function readAuthority(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new AppError('invalid_setting', `The authority ${path} cannot be read: set KAFKA_CA_PATH to its PEM file.`, { path }, error);
  }
}

function saslOf({ user = '', password = '', mechanism = 'scram-sha-512' }: KafkaBusOptions): SASLOptions {
  return { mechanism, username: user, password };
}

let silenced = false;

/** kafkajs hands a negative time to `setTimeout` with every request, which Node 24 says aloud. This one warning, by its name, and no other. */
function silenceNegativeTimeouts(): void {
  if (silenced) return;
  silenced = true;
  const emit = process.emitWarning.bind(process) as (...args: readonly unknown[]) => void;
  process.emitWarning = ((warning: unknown, ...rest: readonly unknown[]): void => {
    const [second] = rest;
    const name = typeof second === 'object' && second !== null ? (second as { readonly type?: unknown }).type : second;
    if (name !== 'TimeoutNegativeWarning') emit(warning, ...rest);
  }) as typeof process.emitWarning;
}
