import { connect } from 'node:net';
import { eventually } from '../eventually.ts';

/** A Metadata request, version 1, for no topic: api 3, version 1, correlation 7, client id "r". */
const REQUEST = Buffer.from([0, 0, 0, 15, 0, 3, 0, 1, 0, 0, 0, 7, 0, 1, 0x72, 0, 0, 0, 0]);

/** Resolves when the broker at the port tells of at least `brokers` live brokers: an open port is too early. `alive` throws when nothing will come. */
export async function awaitBroker(
  port: number,
  { deadlineMs = 30_000, brokers = 1, alive = () => {} }: { deadlineMs?: number; brokers?: number; alive?: () => void } = {},
): Promise<void> {
  const dead: unknown[] = [];
  await eventually(
    async () => {
      try {
        alive();
      } catch (error) {
        dead.push(error);
        return true;
      }
      return (await liveBrokers(port)) >= brokers;
    },
    { deadlineMs, everyMs: 25, what: `a broker at port ${port}` },
  );
  if (dead.length > 0) throw dead[0];
}

function liveBrokers(port: number): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const socket = connect({ host: '127.0.0.1', port });
  let answer = Buffer.alloc(0);
  const end = (count: number): void => {
    socket.destroy();
    resolve(count);
  };
  socket.setTimeout(1_000, () => end(0));
  socket.on('error', () => end(0));
  socket.on('close', () => end(0));
  socket.on('connect', () => socket.write(REQUEST));
  socket.on('data', (data) => {
    answer = Buffer.concat([answer, data]);
    if (answer.length >= 12 && answer.length >= 4 + answer.readInt32BE(0)) end(answer.readInt32BE(8));
  });
  return promise;
}
