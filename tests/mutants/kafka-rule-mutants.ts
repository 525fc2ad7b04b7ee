import type { Mutant } from './mutant.ts';

const PRODUCER = ['tests/bus/kafka-producer.test.ts'];
const CONSUMER = ['tests/bus/kafka-consumer.test.ts'];
const COMMITS = ['tests/bus/kafka-commits.test.ts'];
const CONNECTION = ['tests/bus/kafka-connection.test.ts'];
const DUPLICATES = ['tests/faults/kafka/duplicates.test.ts'];

/** The rest of the rules around the Kafka client, each taken away: sends, duplicates, fetches, commits, deadlines. */
export const KAFKA_RULE_MUTANTS: readonly Mutant[] = [
  {
    name: 'Kafka rule 1: one send carries all partitions of a topic',
    file: 'shared/bus/kafka/publisher.ts',
    find: 'const sender = this.#sender(record.topic, partition);',
    replace: 'const sender = this.#sender(record.topic, 0);',
    tests: PRODUCER,
    pattern: 'never two of one partition',
  },
  {
    name: 'Kafka rule 1: partitions are sent to one after the other',
    file: 'shared/bus/kafka/publisher.ts',
    find: 'const sent = orders.map(async ({ sender, messages, indexes }) => {',
    replace:
      'const sent: Promise<void>[] = orders.map(async ({ sender, messages, indexes }, at) => { await null; await Promise.allSettled(sent.slice(0, at));',
    tests: PRODUCER,
    pattern: 'never two of one partition',
  },
  {
    name: 'Kafka rule 2: five requests are in flight',
    file: 'shared/bus/kafka/guarded-producer.ts',
    find: 'maxInFlightRequests: 1,',
    replace: 'maxInFlightRequests: 5,',
    tests: PRODUCER,
    pattern: 'is idempotent',
  },
  {
    name: 'Kafka rule 2: the leader alone acknowledges',
    file: 'shared/bus/kafka/guarded-producer.ts',
    find: 'acks: -1',
    replace: 'acks: 1',
    tests: PRODUCER,
    pattern: 'is idempotent',
  },
  {
    name: 'Kafka rule 4: a send may take for ever',
    file: 'shared/bus/kafka/guarded-producer.ts',
    find: 'this.#client.timing.sendMs,',
    replace: '2 ** 31 - 1,',
    tests: PRODUCER,
    pattern: 'does not come back',
  },
  {
    name: 'Kafka rule 4: a call may take for ever',
    file: 'shared/bus/kafka/connection.ts',
    find: 'within(this.#callMs,',
    replace: 'within(2 ** 31 - 1,',
    tests: CONNECTION,
    pattern: 'is given up',
  },
  {
    name: 'Kafka rule 4: a connection that did not answer is asked again',
    file: 'shared/bus/kafka/connection.ts',
    find: 'if (isRetryable(failure)) this.#drop(current);',
    replace: '',
    tests: CONNECTION,
    pattern: 'is given up',
  },
  {
    name: 'Kafka rule 5: a shard is done once more with every word of it',
    file: 'shared/domain/workflow/load-stage.ts',
    find: "if (shard === undefined) return { kind: 'ignored' };",
    replace: "if (shard === undefined) return { kind: 'done', load: { ...load, done: load.done + 1 }, written: verdict.counted };",
    tests: DUPLICATES,
  },
  {
    name: 'Kafka rule 6: the client commits by itself',
    file: 'shared/bus/kafka/group-session.ts',
    find: 'autoCommit: false,',
    replace: 'autoCommit: true,',
    tests: CONSUMER,
    pattern: 'commits by itself nothing',
  },
  {
    name: 'Kafka rule 6: a fetch has the client’s bounds',
    file: 'shared/bus/kafka/group-session.ts',
    find: 'maxBytes: MAX_FETCH_BYTES,',
    replace: '',
    tests: CONSUMER,
    pattern: 'commits by itself nothing',
  },
  {
    name: 'Kafka rule 6: a fetch of one partition has no bound',
    file: 'shared/bus/kafka/group-session.ts',
    find: 'maxBytesPerPartition: MAX_PARTITION_FETCH_BYTES,',
    replace: 'maxBytesPerPartition: MAX_FETCH_BYTES,',
    tests: CONSUMER,
    pattern: 'commits by itself nothing',
  },
  {
    name: 'Kafka rule 6: a fetch waits as long as the client likes',
    file: 'shared/bus/kafka/group-session.ts',
    find: 'maxWaitTimeInMs: timing.fetchWaitMs,',
    replace: '',
    tests: COMMITS,
    pattern: 'half a second',
  },
  {
    name: 'Kafka rule 6: nothing beats while others wait for a batch',
    file: 'shared/bus/kafka/group-session.ts',
    find: 'setInterval(() => void this.#beat(), timing.heartbeatMs);',
    replace: 'setInterval(() => undefined, timing.heartbeatMs);',
    tests: COMMITS,
    pattern: 'for longer than its session',
  },
  {
    name: 'Kafka rule 6: stale records are handed over',
    file: 'shared/bus/kafka/group-session.ts',
    find: 'payload.isRunning() && !payload.isStale() ?',
    replace: 'payload.isRunning() ?',
    tests: COMMITS,
    pattern: 'calls stale',
  },
  {
    name: 'Kafka rule 6: records are handed over while the client stops',
    file: 'shared/bus/kafka/group-session.ts',
    find: 'payload.isRunning() && !payload.isStale() ?',
    replace: '!payload.isStale() ?',
    tests: COMMITS,
    pattern: 'while it stops',
  },
  {
    name: 'Kafka rule 6: the client does not hear of a refused commit',
    file: 'shared/bus/kafka/group-session.ts',
    find: 'if (delivery.failure !== undefined) throw delivery.failure;',
    replace: '',
    tests: COMMITS,
    pattern: 'joins again',
  },
  {
    name: 'Kafka rule 6: a commit may take for ever',
    file: 'shared/bus/kafka/group-member.ts',
    find: 'await within(this.#client.timing.callMs, `Committing',
    replace: 'await within(2 ** 31 - 1, `Committing',
    tests: COMMITS,
    pattern: 'gives up a commit',
  },
];
