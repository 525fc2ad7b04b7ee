import { contractOf } from '../events/registry.ts';
import { deadLetterTopic, QUEUE_EVENTS } from '../events/topics.ts';
import type { FunctionDefinition } from './define-function.ts';

/** What one function may do with one topic or group of the log. `read` and `write` include seeing it. */
export interface AccessRight {
  /** The function: its user has the same name. */
  readonly principal: string;
  readonly resource: 'topic' | 'group';
  readonly name: string;
  readonly operation: 'read' | 'write';
}

/**
 * The rights that functions need, and no other, by their own definitions: they read what their triggers name, as their groups, and write what they send, the
 * dead letters of what they read, and the failures of their events on `queue-events`. Sorted by function, resource and name.
 */
export function accessRights(functions: readonly FunctionDefinition[]): readonly AccessRight[] {
  return functions.flatMap(rightsOf);
}

function rightsOf({ name: principal, triggers, sends }: FunctionDefinition): AccessRight[] {
  const readers = triggers.flatMap((trigger) => {
    if (trigger.kind === 'topic') return [{ group: trigger.group, topics: trigger.topics }];
    return trigger.kind === 'job' ? [{ group: trigger.group, topics: [trigger.topic] }] : [];
  });
  const read = readers.flatMap(({ topics }) => topics);
  const failures = readers.length === 0 ? [] : [QUEUE_EVENTS];
  const written = [...sends.flatMap((type) => contractOf(type).topics), ...read.map(deadLetterTopic), ...failures];
  const right = (resource: AccessRight['resource'], operation: AccessRight['operation'], names: readonly string[]): AccessRight[] =>
    [...new Set(names)].sort().map((name) => ({ principal, resource, name, operation }));
  return [
    ...right(
      'group',
      'read',
      readers.map(({ group }) => group),
    ),
    ...right('topic', 'read', read),
    ...right('topic', 'write', written),
  ];
}
