import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { childEnvironment, startHostProcess } from '../support/host-process.ts';
import { type Bench, withFolder } from './bench.ts';

const ROUNDS = 5;
/** Never asked: a host starts without its exchange. */
const NO_EXCHANGE = 'http://127.0.0.1:9';
const BARE_SERVER = `
  const server = require('node:http').createServer((request, response) => response.end());
  server.listen(0, '127.0.0.1', () => console.log('http://127.0.0.1:' + server.address().port));`;

/** The status of one GET. */
async function statusOf(url: string): Promise<number> {
  const call = request(url, { agent: false });
  call.end();
  const [response] = (await once(call, 'response')) as [import('node:http').IncomingMessage];
  response.resume();
  return response.statusCode ?? 0;
}

/** Seconds from the start of a host's process until it says that it is ready. */
async function startOfHost(dir: string, cacheDir: string): Promise<number> {
  const start = performance.now();
  const host = await startHostProcess({ dir, exchange: NO_EXCHANGE, cacheDir });
  while ((await statusOf(`${host.url}/readyz`)) !== 200);
  const seconds = (performance.now() - start) / 1_000;
  await host.terminate();
  return seconds;
}

async function startOfBareServer(): Promise<number> {
  const start = performance.now();
  const child = spawn(process.execPath, ['--eval', BARE_SERVER], { env: childEnvironment({}), stdio: ['ignore', 'pipe', 'inherit'] });
  const [url] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  await statusOf(url);
  const seconds = (performance.now() - start) / 1_000;
  child.kill();
  await once(child, 'close');
  return seconds;
}

async function best(measure: () => Promise<number>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) least = Math.min(least, await measure());
  return least * 1_000;
}

/** From `streamforge serve` to 200 of `/readyz`. */
const bench: Bench = {
  name: 'start',
  what: '"streamforge serve" in a process of its own, from spawn to 200 of /readyz',
  run: () =>
    withFolder(async (dir) => {
      const floor = await best(startOfBareServer);
      const against = 'a process with a bare node:http server, to its first answer';
      const [used, cache] = [join(dir, 'used'), join(dir, 'cache')];
      const unseen = await best(() => withFolder((own) => startOfHost(join(own, 'data'), join(own, 'cache'))));
      await startOfHost(used, cache);
      const empty = await best(() => withFolder((own) => startOfHost(own, cache)));
      const again = await best(() => startOfHost(used, cache));
      return [
        { name: 'the first time (no compiled code)', value: unseen, unit: 'ms', floor, against },
        { name: 'on an empty folder', value: empty, unit: 'ms', floor, against },
        { name: 'on the folder of the run before', value: again, unit: 'ms', floor, against },
      ];
    }),
};

export default bench;
