import type { Bus } from '../../shared/bus/bus.ts';
import { candles } from '../../shared/events/candles.ts';
import type { StreamEvent } from '../../shared/events/event.ts';
import { startConsumer } from '../../shared/runtime/consume.ts';
import type { Context, Ports } from '../../shared/runtime/context.ts';
import { createDeadLetterWriter } from '../../shared/runtime/dead-letters.ts';
import type { TopicTrigger } from '../../shared/runtime/define-function.ts';
import { createParts } from '../../shared/runtime/process-parts.ts';
import { createPublisher } from '../../shared/runtime/publisher.ts';

/** A context with the platform's own parts; ports that are not given must not be used. */
export function benchContext(ports: Partial<Ports>, functionName = 'bench'): Context {
  const parts = createParts([], { logLevel: 'error' }, new AbortController().signal);
  const publisher = createPublisher({ publish: async () => [] }, functionName, parts.metrics);
  return { functionName, config: {}, ...parts, ports: ports as Ports, publisher };
}

/** Reads a topic as a function does, until `onEvent` says that it was the last one. Resolves with the seconds since the first event was in hand. */
export async function consumeEvents(bus: Bus, topic: string, onEvent: (event: StreamEvent) => boolean): Promise<number> {
  const trigger: TopicTrigger = {
    kind: 'topic',
    name: 'bench',
    group: `${topic}-group`,
    topics: [topic],
    events: [candles.type],
    handler: 'handleBatch',
    scaling: { maxReplicas: 1, memoryMiB: 256, cpuMillis: 250 },
  };
  const context = benchContext({ bus });
  const done = Promise.withResolvers<number>();
  let began = 0;
  const consumer = await startConsumer({
    trigger,
    context,
    deadLetters: createDeadLetterWriter(context),
    load: async () => ({
      async handleBatch(received) {
        began ||= performance.now();
        for (const { event } of received) if (onEvent(event)) done.resolve((performance.now() - began) / 1_000);
        return received.map(() => ({ ok: true }));
      },
    }),
  });
  const seconds = await done.promise;
  await consumer.stop();
  return seconds;
}
