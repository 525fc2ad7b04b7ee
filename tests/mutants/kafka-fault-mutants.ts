import type { Mutant } from './mutant.ts';

const BUS = ['tests/bus/kafka.test.ts'];
const POISON = ['tests/runtime/poison.test.ts'];
const FULL = ['tests/faults/kafka/full-disk.test.ts'];

/** What keeps a workflow whole through the failures of Kafka, each taken away; the workflows that meet them are in tests/faults/kafka. */
export const KAFKA_FAULT_MUTANTS: readonly Mutant[] = [
  {
    name: 'Kafka faults: what was in hand at a stop is committed',
    file: 'shared/runtime/deliver-batch.ts',
    find: 'if (!this.#stop.aborted) throw error;',
    replace: 'if (!this.#stop.aborted) throw error; this.#done = (this.#batch.records.at(-1)?.offset ?? 0) + 1;',
    tests: ['tests/runtime/consume-stop.test.ts'],
    pattern: 'ends a wait between tries',
  },
  {
    name: 'Kafka faults: what was dropped on demand is taken for done',
    file: 'shared/runtime/deliver-batch.ts',
    find: `this.#batch.signal.throwIfAborted();
          if (`,
    replace: 'if (',
    tests: ['tests/runtime/consume-stop.test.ts'],
    pattern: 'case 52',
  },
  {
    name: 'Kafka faults: a partition that moves away is not taken out of its hands',
    file: 'shared/bus/kafka/group-member.ts',
    find: 'for (const delivery of deliveries) delivery.revoke(lostError(delivery));',
    replace: '',
    tests: BUS,
    pattern: 'case 52',
  },
  {
    name: 'Kafka faults: a group without offsets begins at the end of the log',
    file: 'shared/bus/kafka/group-session.ts',
    find: 'fromBeginning: true',
    replace: 'fromBeginning: false',
    tests: BUS,
    pattern: 'case 59|case 60',
  },
  {
    name: 'Kafka faults: a shard whose rows were deleted counts as stored',
    file: 'functions/sink/verdict.ts',
    find: 'proof.missing.length === 0',
    replace: 'proof.missing.length >= 0',
    tests: ['tests/functions/sink/verdict.test.ts'],
    pattern: 'case 63',
  },
  {
    name: 'Kafka faults: a shard that was not heard of is never fetched again',
    file: 'functions/fetch/shard-claim.ts',
    find: 'askedAt >= claim.until + UNHEARD_MS',
    replace: 'askedAt >= Number.POSITIVE_INFINITY',
    tests: ['tests/functions/fetch/shard-claim.test.ts'],
    pattern: 'case 58',
  },
  {
    name: 'Kafka faults: a record that is no event stops its partition',
    file: 'shared/runtime/deliver-batch.ts',
    find: "return { record, error: known.meaning === 'permanent' ? known : new AppError('unparsable_event', known.message, {}, known) };",
    replace: 'throw known;',
    tests: POISON,
    pattern: 'case 56: no value',
  },
  {
    name: 'Kafka faults: poison is committed whether or not its dead letter is written',
    file: 'shared/runtime/deliver-batch.ts',
    find: 'await deadLetters.write({ ...item, group, trigger: this.#receiver.triggerName }, error, this.#stop);',
    replace: 'void deadLetters.write({ ...item, group, trigger: this.#receiver.triggerName }, error, this.#stop).catch(() => undefined);',
    tests: POISON,
    pattern: 'case 57: nothing is committed',
  },
  {
    name: 'Kafka faults: a consumer is ready while its brokers are away',
    file: 'shared/runtime/run-function.ts',
    find: "mode === 'kafka' ? [checkFor('log', () => ports.bus.admin.groups())] : []",
    replace: '[]',
    tests: ['tests/runtime/run-function.test.ts'],
    pattern: 'case 54',
  },
  {
    name: 'Kafka faults: a full disk of the brokers is the fault of the record',
    file: 'shared/bus/kafka/kafka-errors.ts',
    find: "return fail('storage_full', ",
    replace: "return fail('payload_too_large', ",
    tests: FULL,
    pattern: 'whose disk has failed',
  },
  {
    name: 'Kafka faults: a publish that is given up does not say why',
    file: 'shared/bus/kafka/partition-sender.ts',
    find: 'this.#failure = failure;',
    replace: '',
    tests: FULL,
    pattern: 'whose disk has failed',
  },
  {
    name: 'Kafka faults: a send that was refused is taken for done',
    file: 'shared/bus/kafka/partition-sender.ts',
    find: 'if (!isRetryable(failure)) for (const { order } of portions) this.#reject(order, failure);',
    replace: 'for (const { order } of portions) { order.over = true; order.done.resolve([]); }\n        if (failures < 0) return;',
    tests: FULL,
    pattern: 'whose disk has failed',
  },
];
