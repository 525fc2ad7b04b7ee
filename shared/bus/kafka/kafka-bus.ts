import type { Bus, BusRecord, OutgoingRecord, ReadOptions, RecordPosition, SubscribeOptions, Subscription } from '../bus.ts';
import { ClusterAccess } from './cluster-access.ts';
import { closedError } from './deadline.ts';
import { KafkaMember } from './group-member.ts';
import { KafkaAdmin } from './kafka-admin.ts';
import { connectKafka, type KafkaClient } from './kafka-client.ts';
import { LogReader } from './log-reader.ts';
import type { KafkaBusOptions } from './options.ts';
import { Publisher } from './publisher.ts';

/**
 * Opens the log that Kafka keeps. Throws `invalid_setting` for a login that is refused, a certificate that is not trusted, TLS where there is none or none
 * where there is; `bus_unavailable` where no broker answers.
 */
export async function openKafkaBus(options: KafkaBusOptions): Promise<KafkaBus> {
  return new KafkaBus(await connectKafka(options));
}

/** The log of a Kafka cluster, by kafkajs behind the rules that keep it from losing what it acknowledged. Opened by `openKafkaBus`. */
export class KafkaBus implements Bus {
  readonly admin: KafkaAdmin;
  readonly #client: KafkaClient;
  readonly #cluster: ClusterAccess;
  readonly #publisher: Publisher;
  readonly #members = new Set<KafkaMember>();
  readonly #closing = new AbortController();
  /** `closing`: members finish their batches, which may still publish and commit. */
  #state: 'open' | 'closing' | 'closed' = 'open';
  #closed: Promise<void> | undefined;

  constructor(client: KafkaClient) {
    this.#client = client;
    this.#cluster = new ClusterAccess(client);
    this.#publisher = new Publisher(client, this.#cluster);
    this.admin = new KafkaAdmin(client, this.#cluster);
  }

  async publish(
    records: readonly OutgoingRecord[],
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<readonly RecordPosition[]> {
    if (this.#state === 'closed') throw closedError();
    signal?.throwIfAborted();
    return this.#publisher.publish(records, signal);
  }

  /** Resolves when the member is on its way into its group: the others of the group may take their time to let it in. */
  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    this.#assertOpen();
    for (const topic of options.topics) await this.#cluster.partitionCount(topic, 'Read');
    await this.#cluster.assertGroup(options.group);
    this.#assertOpen();
    const member = new KafkaMember(this.#client, this.#cluster, options);
    this.#members.add(member);
    const forget = (): void => void this.#members.delete(member);
    member.ended.then(forget, forget);
    return member;
  }

  read(options: ReadOptions): AsyncIterable<readonly BusRecord[]> {
    const reader = new LogReader(this.#client, this.#cluster, this.#closing.signal);
    // The ends that count are those of the call; what is wrong with it is said where it is read.
    const ranges = this.#state === 'open' ? reader.ranges(options) : Promise.reject(closedError());
    ranges.catch(() => undefined);
    return (async function* () {
      yield* reader.read(options.topic, await ranges, options.signal);
    })();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#state = 'closing';
    await Promise.all([...this.#members].map((member) => member.stop()));
    this.#state = 'closed';
    this.#closing.abort();
    await this.#publisher.close();
    await Promise.all([this.admin.close(), this.#cluster.close()]);
  }

  #assertOpen(): void {
    if (this.#state !== 'open') throw closedError();
  }
}
