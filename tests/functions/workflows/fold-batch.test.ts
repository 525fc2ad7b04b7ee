import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { handleBatch } from '../../../functions/workflows/handle.ts';
import { AppError } from '../../../shared/domain/errors.ts';
import type { StreamEvent } from '../../../shared/events/event.ts';
import type { FetchShard } from '../../../shared/events/fetch-shard.ts';
import { queueEvent } from '../../../shared/events/queue-event.ts';
import type { ShardVerified } from '../../../shared/events/shard-verified.ts';
import { QUEUE_CONTROL, QUEUE_EVENTS } from '../../../shared/events/topics.ts';
import { workflowStopRequested } from '../../../shared/events/workflow-stop-requested.ts';
import { workflowTick } from '../../../shared/events/workflow-tick.ts';
import type { Context } from '../../../shared/runtime/context.ts';
import type { EventOutcome } from '../../../shared/runtime/define-function.ts';
import { type ServedWorkflows, serveWorkflows } from './serve-workflows.ts';
import { eventsOn, FETCH, MONTH, startOn, verdictOn } from './workers.ts';

let served: ServedWorkflows;
before(async () => {
  served = await serveWorkflows();
});
after(() => served.close());

const start = (body: object = MONTH): Promise<string> => startOn(served, body);
const eventsOf = (topic: string, id: string): Promise<StreamEvent[]> => eventsOn(served, topic, id);
const verdict = (event: StreamEvent, over: Partial<ShardVerified> = {}): StreamEvent => verdictOn(event.data as FetchShard, over);

const batch = (events: readonly StreamEvent[], context: Context = served.context): Promise<readonly EventOutcome[]> =>
  handleBatch(
    events.map((event) => ({ event })),
    context,
  );
const isDone = (outcomes: readonly EventOutcome[]): boolean => outcomes.every((outcome) => outcome.ok);

/** The context with a log that is away. */
function withoutLog(): Context {
  const publish = async (): Promise<void> => {
    throw new AppError('bus_unavailable', 'the log is away');
  };
  return { ...served.context, publisher: { publish } };
}

test('case 66: commands that a crash left unsent are sent when the event comes again, and only then is it done', async () => {
  const id = await start();
  const events = await eventsOf(QUEUE_EVENTS, id);

  await assert.rejects(batch(events, withoutLog()), (error) => error instanceof AppError && error.code === 'bus_unavailable');
  const unsent = (await served.stores.workflows.readWorkflow(id))?.outbox ?? [];
  assert.equal(unsent.filter(({ type }) => type === 'io.streamforge.fetch-shard.v1').length, 9);
  assert.equal((await eventsOf(FETCH, id)).length, 0);

  assert.ok(isDone(await batch(events)));
  assert.deepEqual((await served.stores.workflows.readWorkflow(id))?.outbox, []);
  assert.equal((await eventsOf(FETCH, id)).length, 9);
  await served.fold();
  assert.equal((await eventsOf(FETCH, id)).length, 9);
});

test('case 66: what a crash left unsent goes out before what is new', async () => {
  const id = await start();
  const events = await eventsOf(QUEUE_EVENTS, id);
  await assert.rejects(batch(events, withoutLog()));
  const stop = workflowStopRequested.build({ queue_id: id, attempt: 1, reason: 'enough' }, { producer: 'workflows', time: Date.now() });

  assert.ok(isDone(await batch([...events, stop])));

  const controls = (await eventsOf(QUEUE_CONTROL, id)).map(({ data }) => (data as { command: string }).command);
  assert.deepEqual(controls, ['start', 'stop']);
});

test('an event that cannot be folded is at fault alone; those around it are folded', async () => {
  const [before, broken, behind] = await Promise.all([start(), start(), start()]);
  const events = (await served.events(QUEUE_EVENTS)).filter((event) => [before, broken, behind].includes(event.queueid ?? ''));
  // Good for its contract, and no message of its own can be made of it.
  const odd = events.map((event) =>
    event.queueid === broken ? { ...event, data: { ...(event.data as object), targets: [{ target: 'x'.repeat(255) }] } } : event,
  );

  const outcomes = await batch(odd);

  assert.deepEqual(
    outcomes.map((outcome) => outcome.ok),
    odd.map((event) => event.queueid !== broken),
  );
  for (const id of [before, behind]) assert.equal((await served.stores.workflows.readWorkflow(id))?.status, 'loading');
  assert.equal((await served.stores.workflows.readWorkflow(broken))?.status, 'pending');
});

test('a process that knows nothing of what another one wrote reads again and folds on top of it', async () => {
  const id = await start();
  await served.fold();
  const stored = await served.stores.workflows.readWorkflow(id);
  assert.ok(stored);
  // Somebody else writes: the document that this process keeps is old now.
  assert.ok(await served.stores.workflows.commitChanges([{ document: stored, shards: [], events: [] }]));
  const [first] = await eventsOf(FETCH, id);
  assert.ok(first);

  assert.ok(isDone(await batch([verdict(first)])));

  const view = (await served.call('GET', `/workflows/${id}`)).json();
  assert.equal(view.stages[0].shards_done, 1);
});

test('an event that breaks its contract is at fault alone; those around it are folded', async () => {
  const id = await start();
  await served.fold();
  const [one, two] = await eventsOf(FETCH, id);
  assert.ok(one && two);
  const { data, ...envelope } = verdict(one);
  const broken = { ...envelope, data: { ...(data as object), verdict: 'perhaps' } };

  const outcomes = await batch([broken, verdict(one), verdict(two)]);

  assert.deepEqual(
    outcomes.map((outcome) => (outcome.ok ? 'ok' : (outcome.error as AppError).code)),
    ['contract_mismatch', 'ok', 'ok'],
  );
  assert.equal((await served.call('GET', `/workflows/${id}`)).json().stages[0].shards_done, 2);
});

test('events of workflows that nobody asked for are done and write nothing', async () => {
  const stray = workflowTick.build({ queue_id: 'wf-nobody-api_trades-20240801-zzzzzz' }, { producer: 'workflows', time: 1 });
  const probe = queueEvent.build(
    {
      queue_id: 'probe-abc',
      attempt: 1,
      producer: 'dummy-service__abc',
      symbol: '',
      type: 'simulation',
      status: 'error',
      message: 'x',
      records_written: 0,
      finished: true,
      timestamp: 1,
    },
    { producer: 'dummy', time: 1 },
  );

  assert.ok(isDone(await batch([stray, probe])));

  assert.equal(await served.stores.workflows.readWorkflow('probe-abc'), undefined);
});

test('one batch with events of many workflows is one write and one sending', async () => {
  const ids = await Promise.all(['BTCUSDT', 'ETHUSDT', 'SOLUSDT'].map((symbol) => start({ ...MONTH, symbol })));
  const events = (await served.events(QUEUE_EVENTS)).filter((event) => ids.includes(event.queueid ?? ''));
  let [writes, sendings] = [0, 0];
  const { workflows } = served.stores;
  const counted: Context = {
    ...served.context,
    ports: {
      ...served.context.ports,
      workflows: new Proxy(workflows, {
        get(target, name) {
          if (name === 'commitChanges') writes += 1;
          const value: unknown = Reflect.get(target, name);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      }),
    },
    publisher: {
      async publish(sent) {
        sendings += 1;
        await served.context.publisher.publish(sent);
      },
    },
  };

  assert.ok(isDone(await batch(events, counted)));

  assert.deepEqual([writes, sendings], [1, 1]);
  for (const id of ids) assert.equal((await eventsOf(FETCH, id)).length, 9);
});

test('the commands of a workflow carry the trace of what caused them', async () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const answer = await served.call('POST', '/workflows', MONTH, { traceparent });
  await served.fold();

  const { queue_id } = answer.json();
  for (const event of [...(await eventsOf(FETCH, queue_id)), ...(await eventsOf(QUEUE_CONTROL, queue_id))]) {
    assert.match(event.traceparent ?? '', /^00-0af7651916cd43dd8448eb211c80319c-/);
  }
});
