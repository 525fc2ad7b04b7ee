import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Connection } from '../../shared/bus/kafka/connection.ts';

const ATTEMPT = { doing: 'list topics', user: 'app' } as const;

/** A connection whose clients are numbered, and how many of them were let go. */
function counted(callMs: number) {
  let [made, ended] = [0, 0];
  const connection = new Connection(() => {
    const number = ++made;
    return {
      number,
      connect: async () => {},
      disconnect: async () => {
        ended += 1;
      },
    };
  }, callMs);
  return { connection, made: () => made, ended: () => ended };
}

test('a call to Kafka that does not come back is given up, and made by a new connection', { timeout: 10_000 }, async () => {
  const { connection, made, ended } = counted(100);

  const answered = await connection.call(ATTEMPT, ({ number }) => (number === 1 ? new Promise<number>(() => {}) : Promise.resolve(number)));

  assert.equal(answered, 2);
  assert.deepEqual([made(), ended()], [2, 1]);
  await connection.close();
});

test('a call to Kafka that never comes back is bus_unavailable after a few tries', async () => {
  const { connection, made } = counted(50);

  await assert.rejects(
    connection.call(ATTEMPT, () => new Promise(() => {})),
    { code: 'bus_unavailable' },
  );

  assert.equal(made(), 4);
  await connection.close();
});

test('what Kafka refuses for good is asked once, by a connection that stays', async () => {
  const { connection, made, ended } = counted(1_000);
  let asked = 0;

  await assert.rejects(
    connection.call(ATTEMPT, async () => {
      asked += 1;
      throw Object.assign(new Error('denied'), { type: 'TOPIC_AUTHORIZATION_FAILED', code: 29 });
    }),
    { code: 'invalid_setting' },
  );

  assert.deepEqual([asked, made(), ended()], [1, 1, 0]);
  await connection.close();
});
