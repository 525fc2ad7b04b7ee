import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { RecordPosition } from '../../shared/bus/bus.ts';
import type { BusChildMessage, BusChildTask } from '../support/bus-child.ts';
import { aRecord, type CreateBusFixture, idOf, lagOf, records, soon, useBus } from './bus-fixture.ts';

const CHILD = fileURLToPath(new URL('../support/bus-child.ts', import.meta.url));
const KEYS = ['a', 'b', 'c', 'd', 'e'];

/** After how many messages the child is killed: from its first breath to the middle of its work. */
const MOMENTS = [1, 9, 40, 111];

/** `kill -9` of another process that writes to the log or reads it as a group. */
export function describeCrashes(createFixture: CreateBusFixture): void {
  const log = useBus(createFixture);

  for (const moment of MOMENTS) {
    it(`cases 48 and 49: a producer killed after ${moment} acknowledgements loses none of them, and may send again what was not acknowledged`, async () => {
      const topic = await log.freshTopic({ partitions: 3 });
      const acknowledged = new Map<string, number>();

      await log.reopen(async () => {
        for (const message of await runAndKill({ opener: log.opener, do: 'write', topic, keys: KEYS }, moment)) {
          if ('acknowledged' in message) acknowledged.set(message.acknowledged.key, message.acknowledged.id);
        }
      });
      const left = await log.readAll(topic);
      await log.bus.publish(KEYS.map((key) => aRecord(topic, key, (acknowledged.get(key) ?? -1) + 1)));
      const got = await log.readAll(topic);

      for (const key of KEYS) {
        const last = acknowledged.get(key) ?? -1;
        const before = left.filter((record) => record.key === key).map((record) => Number(idOf(record)));
        const after = got.filter((record) => record.key === key).map((record) => Number(idOf(record)));
        // One call was on its way when the process died: durable or not, never torn, never out of order.
        assert.ok(before.length === last + 1 || before.length === last + 2, `${before.length} records of ${key}, ${last + 1} acknowledged`);
        assert.deepEqual(before, [...before.keys()]);
        assert.deepEqual(after, [...before, last + 1]);
      }
    });
  }

  for (const moment of MOMENTS.filter((count) => count < 100)) {
    it(`cases 50 and 51: what a consumer killed after ${moment} messages had not committed comes again, what it had does not`, async () => {
      const [topic, group] = [await log.freshTopic({ partitions: 3 }), log.freshGroup()];
      await log.bus.publish(records(topic, KEYS, 300));
      const all = (await log.readAll(topic)).map(place).sort();
      let handled: readonly RecordPosition[] = [];
      const told = new Map<number, number>();

      await log.reopen(async () => {
        const messages = await runAndKill({ opener: log.opener, do: 'consume', topic, group }, moment);
        handled = messages.flatMap((message) => ('handled' in message ? message.handled : []));
        for (const message of messages) if ('committed' in message) told.set(message.committed.partition, message.committed.offset);
      });
      const committed = new Map((await log.bus.admin.lag(group, [topic])).map((lag) => [lag.partition, lag.committed ?? 0]));
      const { subscription, records: again } = await log.record({ group, topics: [topic] });
      await soon(async () => (await lagOf(log.bus, group, topic)) === 0);
      await subscription.stop();

      for (const [partition, offset] of told) assert.ok((committed.get(partition) ?? 0) >= offset, `partition ${partition}`);
      const expected = all.filter((text) => Number(text.split('/')[1]) >= (committed.get(Number(text.split('/')[0])) ?? 0));
      assert.deepEqual(again.map(place).sort(), expected);
      assert.deepEqual([...new Set([...handled, ...again].map(place))].sort(), all);
    });
  }
}

/** Starts the child, kills it with the `count`-th message, and returns all that it said. */
async function runAndKill(task: BusChildTask, count: number): Promise<readonly BusChildMessage[]> {
  const child = fork(CHILD, { env: { ...process.env, BUS_CHILD: JSON.stringify(task) }, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  const messages: BusChildMessage[] = [];
  const errors: string[] = [];
  child.stderr?.setEncoding('utf8').on('data', (text: string) => errors.push(text));
  child.on('message', (message: BusChildMessage) => {
    messages.push(message);
    if (messages.length === count) child.kill('SIGKILL');
  });
  await once(child, 'close');
  assert.equal(child.signalCode, 'SIGKILL', errors.join(''));
  return messages;
}

function place({ partition, offset }: { readonly partition: number; readonly offset: number }): string {
  return `${partition}/${offset}`;
}
