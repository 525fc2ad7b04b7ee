import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import type { AppError } from '../../shared/domain/errors.ts';
import { defineFunction, type FunctionDefinition, type Trigger } from '../../shared/runtime/define-function.ts';

const scaling = { maxReplicas: 1, memoryMiB: 64, cpuMillis: 100 };
const CANDLES = 'io.streamforge.candles.v1';
const http: Trigger = { kind: 'http', name: 'probe-http', accepts: [], scaling };
const topic: Trigger = {
  kind: 'topic',
  name: 'probe-events',
  group: 'probe',
  topics: ['market.candles'],
  events: [CANDLES],
  handler: 'handle',
  scaling,
};
const job: Trigger = {
  kind: 'job',
  name: 'probe-job',
  group: 'probe-jobs',
  topic: 'queue-control.train',
  events: ['io.streamforge.train.v1'],
  leaseMs: 60_000,
  claimKey: ({ id }) => id,
  scaling,
};
const schedule: Trigger = { kind: 'schedule', name: 'probe-tick', everyMs: 60_000, scaling };

function aDefinition(overrides: Partial<FunctionDefinition> = {}): FunctionDefinition {
  return {
    name: 'probe',
    publishedNames: [],
    triggers: [http, topic, job, schedule],
    sends: [CANDLES],
    settings: {},
    load: async () => ({}),
    ...overrides,
  };
}

describe('defineFunction', () => {
  test('takes a definition that agrees with itself, as it is', () => {
    const definition = aDefinition();

    assert.equal(defineFunction(definition), definition);
  });

  test('imports nothing', () => {
    defineFunction(aDefinition({ load: () => assert.fail('loaded') }));
  });

  const meaning = 'what it is';
  for (const [what, overrides, path] of [
    ['a name that is none', { name: 'My_Function' }, 'name'],
    ['a name too long for what Kubernetes makes of it', { name: 'a'.repeat(55) }, 'name'],
    ['no trigger', { triggers: [] }, 'triggers'],
    ['two triggers of one name', { triggers: [http, { ...schedule, name: 'probe-http' }] }, 'triggers'],
    ['two triggers that read one topic as one group', { triggers: [topic, { ...topic, name: 'probe-more' }] }, 'triggers'],
    ['a topic trigger without topics', { triggers: [{ ...topic, topics: [] }] }, 'triggers.0.topics'],
    ['a topic trigger that takes nothing', { triggers: [{ ...topic, events: [] }] }, 'triggers.0.events'],
    ['an event type of no form', { triggers: [{ ...topic, events: ['candles'] }] }, 'triggers.0.events.0'],
    ['a control event by push', { triggers: [{ ...http, accepts: ['io.streamforge.fetch-shard.v1'] }] }, 'triggers.0.accepts.0'],
    ['a state event by push', { triggers: [{ ...http, accepts: ['io.streamforge.queue-event.v1'] }] }, 'triggers.0.accepts.0'],
    ['a verdict by push', { triggers: [{ ...http, accepts: ['io.streamforge.shard-verified.v1'] }] }, 'triggers.0.accepts.0'],
    ['a workflow event by push', { triggers: [{ ...http, accepts: ['io.streamforge.workflow-requested.v1'] }] }, 'triggers.0.accepts.0'],
    ['no event at once', { triggers: [{ ...topic, eventsAtOnce: 0 }] }, 'triggers.0.eventsAtOnce'],
    ['half an event at once', { triggers: [{ ...topic, eventsAtOnce: 1.5 }] }, 'triggers.0.eventsAtOnce'],
    ['events at once of batches', { triggers: [{ ...topic, handler: 'handleBatch', eventsAtOnce: 2 }] }, 'triggers.0.eventsAtOnce'],
    ['a lease that cannot be renewed in time', { triggers: [{ ...job, leaseMs: 10 }] }, 'triggers.0.leaseMs'],
    ['a tick without end', { triggers: [{ ...schedule, everyMs: 0 }] }, 'triggers.0.everyMs'],
    [
      'more replicas at least than at most',
      { triggers: [{ ...http, scaling: { ...scaling, minReplicas: 2 } }] },
      'triggers.0.scaling.minReplicas',
    ],
    ['no memory', { triggers: [{ ...http, scaling: { ...scaling, memoryMiB: 0 } }] }, 'triggers.0.scaling.memoryMiB'],
    ['a sent type of no form', { sends: ['io.streamforge.candles'] }, 'sends.0'],
    ['a variable of no form', { settings: { a: { env: 'lower', schema: z.string(), meaning } } }, 'settings.a.env'],
    [
      'one variable twice',
      { settings: { a: { env: 'A', schema: z.string(), meaning }, b: { env: 'A', schema: z.string(), meaning } } },
      'settings',
    ],
    ['a setting without meaning', { settings: { a: { env: 'A', schema: z.string(), meaning: ' ' } } }, 'settings.a.meaning'],
  ] as const satisfies readonly (readonly [string, Partial<FunctionDefinition>, string])[]) {
    test(`refuses ${what}`, () => {
      assert.throws(
        () => defineFunction(aDefinition(overrides)),
        (error: AppError) => {
          assert.equal(error.code, 'invalid_setting');
          assert.deepEqual(
            error.context.fields?.map((field) => field.path),
            [path],
          );
          return true;
        },
      );
    });
  }

  test('names every contradiction at once', () => {
    assert.throws(
      () => defineFunction(aDefinition({ name: '', triggers: [], sends: ['x'] })),
      (error: AppError) => error.context.fields?.length === 3,
    );
  });
});
