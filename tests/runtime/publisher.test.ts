import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { AppError } from '../../shared/domain/errors.ts';
import { command } from '../../shared/events/command.ts';
import { fromRecord } from '../../shared/events/kafka-codec.ts';
import { QUEUE_CONTROL } from '../../shared/events/topics.ts';
import { causeOf, commonCause, contextFor } from '../../shared/runtime/create-context.ts';
import { createPublisher, withTrace } from '../../shared/runtime/publisher.ts';
import { parseTraceparent } from '../../shared/telemetry/trace.ts';
import { createTestContext } from '../support/context.ts';
import { aProbe, type Backing, openBacking } from './consumer-harness.ts';

let backing: Backing;
before(async () => {
  backing = await openBacking();
});
after(() => backing.close());

const TRACE = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
const aCommand = (queue_id: string) => command.build({ command: 'start', queue_id, timestamp: 1 }, { producer: 'test', time: 1_000 });

describe('the publisher', () => {
  test('sends each event to the topic and key of its contract, and counts it when it is durable', async () => {
    const { metrics, measured } = createTestContext();
    const publisher = createPublisher(backing.bus, 'workflows', metrics);

    await publisher.publish([aCommand('wf-1'), aCommand('wf-2')]);

    const keys: (string | null)[] = [];
    for await (const records of backing.bus.read({ topic: QUEUE_CONTROL, from: 'earliest', untilEnd: true })) {
      for (const record of records) {
        keys.push(record.key);
        assert.deepEqual(fromRecord(record), aCommand(record.key ?? ''));
      }
    }
    assert.deepEqual(keys, ['wf-1', 'wf-2']);
    assert.deepEqual(measured, [
      { name: 'streamforge_events_published_total', labels: { function: 'workflows', type: command.type }, by: 2 },
    ]);
  });

  test('asks nothing of the log for nothing', async () => {
    await createPublisher({ publish: () => assert.fail('asked') }, 'x', createTestContext().metrics).publish([]);
  });

  test('refuses a type without contract before anything is sent', async () => {
    const publisher = createPublisher({ publish: () => assert.fail('asked') }, 'x', createTestContext().metrics);

    await assert.rejects(publisher.publish([aCommand('wf-1'), aProbe('odd')]), { code: 'contract_mismatch' });
  });

  test('takes a topic that is not there for a log that is away: its event is never at fault', async () => {
    const broken = {
      publish: (records: Parameters<typeof backing.bus.publish>[0]) =>
        backing.bus.publish(records.map((record) => ({ ...record, topic: 'nowhere' }))),
    };

    await assert.rejects(createPublisher(broken, 'x', createTestContext().metrics).publish([aCommand('wf-1')]), (error: AppError) => {
      assert.deepEqual([error.code, error.meaning], ['bus_unavailable', 'retryable']);
      return true;
    });
  });

  test('sends nothing once its signal has aborted', async () => {
    const publisher = createPublisher(backing.bus, 'x', createTestContext().metrics);

    await assert.rejects(publisher.publish([aCommand('wf-3')], { signal: AbortSignal.abort() }), { name: 'AbortError' });
  });
});

describe('the trace of what is sent', () => {
  test('is given to events that have none, and kept where they have one', async () => {
    const context = createTestContext();
    const own = { ...aCommand('wf-1'), traceparent: `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01` };

    await withTrace(context.publisher, () => ({ traceparent: TRACE })).publish([own, aCommand('wf-2')]);

    assert.deepEqual(
      context.published.map(({ traceparent }) => traceparent),
      [own.traceparent, TRACE],
    );
  });

  test('is a child of the event that is handled, with its tracestate, in log lines and in what is sent alike', async () => {
    const base = createTestContext();
    const context = contextFor(base, causeOf(aProbe('e', { queueid: 'wf-1', traceparent: TRACE, tracestate: 'v=1' })), base.signal);

    context.logger.info({}, 'a line');
    await context.publisher.publish([aCommand('wf-1')]);

    const [sent] = base.published;
    assert.equal(parseTraceparent(sent?.traceparent)?.traceId, 'a'.repeat(32));
    assert.notEqual(sent?.traceparent, TRACE);
    assert.equal(sent?.tracestate, 'v=1');
    assert.deepEqual(base.logs[0]?.fields, { queue_id: 'wf-1', traceparent: sent?.traceparent });
  });

  test('of a batch is that of its events where they share one, and nobody is given a foreign one else', () => {
    const other = `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`;

    assert.equal(commonCause([aProbe('a', { traceparent: TRACE }), aProbe('b', { traceparent: TRACE })])?.traceparent, TRACE);
    assert.equal(commonCause([aProbe('a', { traceparent: TRACE }), aProbe('b', { traceparent: other })]), undefined);
    assert.equal(commonCause([aProbe('a', { queueid: 'wf-1' }), aProbe('b', { queueid: 'wf-2' })]), undefined);
  });

  test('survives a handler that spreads its context', async () => {
    const base = createTestContext();
    const context = { ...contextFor(base, causeOf(aProbe('e', { queueid: 'wf-1', traceparent: TRACE })), base.signal) };

    context.logger.info({}, 'a line');

    assert.equal(base.logs[0]?.fields.queue_id, 'wf-1');
  });
});
