import type { KafkaBus } from '../bus/kafka/kafka-bus.ts';
import { AppError } from '../domain/errors.ts';
import { readSettings } from '../runtime/host-settings.ts';
import { kafkaOptions } from '../runtime/ports.ts';
import { FUNCTIONS } from './functions.ts';

/** True where the log is Kafka's: its topics are asked of the brokers, no host has to run. */
export function isOnKafka(): boolean {
  return process.env.KAFKA_BOOTSTRAP_SERVERS !== undefined;
}

/** Does something with the Kafka that the environment names. Throws `missing_setting` without one. */
export async function withKafka<T>(work: (bus: KafkaBus) => Promise<T>): Promise<T> {
  const options = kafkaOptions(readSettings([], process.env).platform);
  if (options === undefined) {
    throw new AppError(
      'missing_setting',
      'Topics are created on Kafka alone: set KAFKA_BOOTSTRAP_SERVERS. The embedded log makes its own.',
      {
        fields: [{ path: 'KAFKA_BOOTSTRAP_SERVERS', problem: 'is missing' }],
      },
    );
  }
  const { openKafkaBus } = await import('../bus/kafka/kafka-bus.ts');
  const bus = await openKafkaBus(options);
  try {
    return await work(bus);
  } finally {
    await bus.close();
  }
}

/** Every consumer group of the platform with the topics that it reads. */
export const READERS = FUNCTIONS.flatMap(({ triggers }) => triggers).flatMap((trigger) => {
  if (trigger.kind === 'topic') return [{ group: trigger.group, topics: trigger.topics }];
  return trigger.kind === 'job' ? [{ group: trigger.group, topics: [trigger.topic] }] : [];
});
