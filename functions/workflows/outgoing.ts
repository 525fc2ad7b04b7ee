import type { WorkflowCommand } from '../../shared/domain/workflow/commands.ts';
import { buildGraph } from '../../shared/events/build-graph.ts';
import { command } from '../../shared/events/command.ts';
import type { EventMeta } from '../../shared/events/contract.ts';
import type { StreamEvent } from '../../shared/events/event.ts';
import { fetchShard } from '../../shared/events/fetch-shard.ts';
import { queueEvent } from '../../shared/events/queue-event.ts';
import { train } from '../../shared/events/train.ts';

/** A command of the fold as the event that carries it. Its id is derived, so the same command made twice is the same event. */
export function eventOf(wanted: WorkflowCommand, meta: EventMeta): StreamEvent {
  switch (wanted.kind) {
    case 'fetch-shard':
      return fetchShard.build(wanted.data, meta);
    case 'build-graph':
      return buildGraph.build(wanted.data, meta);
    case 'train':
      return train.build(wanted.data, meta);
    case 'queue-event':
      return queueEvent.build(wanted.data, meta);
    case 'command':
      return command.build(wanted.data, meta);
    default:
      return wanted satisfies never;
  }
}
