import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { StreamEvent } from '../../../shared/events/event.ts';
import { QUEUE_EVENTS } from '../../../shared/events/topics.ts';
import { type ServedWorkflows, serveWorkflows } from './serve-workflows.ts';
import { MONTH, shardsOn, startOn, verdictOn } from './workers.ts';

let served: ServedWorkflows;
before(async () => {
  served = await serveWorkflows();
});
after(() => served.close());

const start = async (body: object = MONTH): Promise<string> => {
  const id = await startOn(served, body);
  await served.fold();
  return id;
};

/** Reads server-sent events until `enough` says so, or the stream ends. */
async function follow(path: string, enough: (ids: readonly string[]) => boolean, headers: Record<string, string> = {}) {
  const stop = new AbortController();
  const response = await fetch(served.url + path, { headers, signal: stop.signal });
  const [ids, events]: [string[], StreamEvent[]] = [[], []];
  let text = '';
  if (response.body === null) return { response, ids, events, ended: true };
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { response, ids, events, ended: true };
    text += value;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n');
      text = text.slice(end + 2);
      const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const [id, data] = [field('id'), field('data')];
      if (id === undefined || data === undefined) continue;
      ids.push(id);
      events.push(JSON.parse(data) as StreamEvent);
    }
    if (enough(ids)) {
      stop.abort();
      return { response, ids, events, ended: false };
    }
  }
}

test('the events of a workflow are streamed: those so far, those to come, and none twice after a break', async () => {
  const id = await start({ ...MONTH, symbol: 'XRPUSDT', time_range: '2024-08-01:2024-08-02' });
  const commands = await shardsOn(served, id);
  assert.equal(commands.length, 1);

  const path = `/workflows/${id}/events`;
  const soFar = await follow(path, (ids) => ids.length >= 2);
  assert.equal(soFar.response.headers.get('content-type'), 'text/event-stream');
  assert.deepEqual(soFar.ids, ['1', '2']);
  assert.equal(soFar.events[0]?.type, 'io.streamforge.workflow-requested.v1');

  const live = follow(path, () => false, { 'last-event-id': '2' });
  await served.append(...commands.map((command) => verdictOn(command)));
  await served.fold();
  const rest = await live;

  assert.ok(rest.ended);
  assert.deepEqual(rest.ids, ['3', '4']);
  assert.deepEqual(
    rest.events.map(({ type }) => type.split('.').slice(2).join('.')),
    ['shard-verified.v1', 'queue-event.v1'],
  );
  const whole = await follow(path, () => false);
  assert.deepEqual(whole.ids, ['1', '2', '3', '4']);
  assert.deepEqual(
    whole.events.map((event) => event.id),
    (await served.events(QUEUE_EVENTS)).filter((event) => event.queueid === id).map((event) => event.id),
  );
  assert.equal((await follow(path, () => false, { 'last-event-id': '4' })).response.status, 204);
  assert.equal((await served.call('GET', path, undefined, { 'last-event-id': 'x' })).status, 400);
});
