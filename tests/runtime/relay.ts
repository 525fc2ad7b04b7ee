import { z } from 'zod';
import { command } from '../../shared/events/command.ts';
import { queueEvent } from '../../shared/events/queue-event.ts';
import { QUEUE_CONTROL } from '../../shared/events/topics.ts';
import { defineFunction, type FunctionDefinition, type FunctionModule } from '../../shared/runtime/define-function.ts';

export const scaling = { maxReplicas: 1, memoryMiB: 64, cpuMillis: 100 };

/** Two functions that meet in two contracts: HTTP -> command -> queue-event. */
export function relay(
  modules: { web?: Partial<FunctionModule<never>>; worker?: Partial<FunctionModule<never>> } = {},
): readonly [web: FunctionDefinition, worker: FunctionDefinition] {
  const web = defineFunction({
    name: 'web',
    publishedNames: [],
    triggers: [{ kind: 'http', name: 'web-http', accepts: [], scaling }],
    sends: [command.type],
    settings: { greeting: { env: 'GREETING', schema: z.string().default('hello'), meaning: 'what is said' } },
    load: async () => ({
      routes: [
        {
          method: 'POST',
          path: '/say',
          async handle(_request, { publisher, config, clock }) {
            await publisher.publish([
              command.build({ command: config.greeting, queue_id: 'wf-1', timestamp: 1 }, { producer: 'web', time: clock.now() }),
            ]);
            return { status: 202, body: { said: config.greeting } };
          },
        },
      ],
      ...(modules.web as object),
    }),
  });
  const worker = defineFunction({
    name: 'worker',
    publishedNames: [],
    triggers: [
      {
        kind: 'topic',
        name: 'worker-events',
        group: 'worker',
        topics: [QUEUE_CONTROL],
        events: [command.type],
        handler: 'handle',
        replayable: false,
        scaling,
      },
    ],
    sends: [queueEvent.type],
    settings: {},
    load: async () => ({
      async handle({ event }, { publisher, clock }) {
        const said = command.parse(event);
        const heard = {
          queue_id: said.queue_id,
          attempt: 1,
          producer: 'worker__1',
          symbol: '',
          type: said.command === 'ping' ? 'pong' : '',
          status: 'completed' as const,
          message: said.command,
          records_written: 0,
          finished: true,
          timestamp: clock.now() / 1_000,
        };
        await publisher.publish([queueEvent.build(heard, { producer: 'worker', time: clock.now() })]);
      },
      ...(modules.worker as object),
    }),
  });
  return [web, worker];
}
