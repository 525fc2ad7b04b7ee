import { AppError } from '../domain/errors.ts';
import type { TopicDeclaration } from './bus.ts';

/** Kafka's rule for names of topics. */
const TOPIC_NAME = /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/;

/** Throws `invalid_setting` for a topic that cannot be: its name, its partition count, its retention. */
export function checkDeclaration({ name, partitions, retentionMs }: TopicDeclaration): void {
  const problems = [
    ...(TOPIC_NAME.test(name) ? [] : [{ path: 'name', problem: `"${name}" is no topic name`, allowed: String(TOPIC_NAME) }]),
    ...(Number.isInteger(partitions) && partitions >= 1
      ? []
      : [{ path: 'partitions', problem: `${partitions} is no partition count`, allowed: '1 or more' }]),
    ...(Number.isSafeInteger(retentionMs) && retentionMs > 0
      ? []
      : [{ path: 'retentionMs', problem: `${retentionMs} is no retention`, allowed: 'milliseconds, 1 or more' }]),
  ];
  if (problems.length === 0) return;
  throw new AppError('invalid_setting', `Topic "${name}" cannot be created: ${problems.map(({ problem }) => problem).join(', ')}.`, {
    fields: problems,
  });
}

/** Throws `invalid_setting` where a topic that exists has another partition count than it is declared with: its keys would move. */
export function checkPartitionCount({ name, partitions }: TopicDeclaration, existing: number): void {
  if (partitions === existing) return;
  throw new AppError(
    'invalid_setting',
    `Topic ${name} has ${existing} partitions and is declared with ${partitions}: a partition count is never altered, its keys would move.`,
    { topic: name, existing, declared: partitions },
  );
}
