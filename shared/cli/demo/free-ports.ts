import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** Below the ports that systems give to outgoing connections (Linux begins at 32,768), above those of most services. */
const FIRST = 20_000;
const BEHIND_LAST = 32_000;
const MOST_TRIES = 1_000;

/**
 * Different ports of 127.0.0.1 that nobody listens on now. No connection is given one of them by chance before its server listens, or while it is away: one of
 * the usual free ports may be gone by then. Throws what `listen` does where none can be had.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  try {
    for (let tries = 1; servers.length < count; tries += 1) {
      const server = createServer().listen(randomInt(FIRST, BEHIND_LAST), '127.0.0.1');
      try {
        await once(server, 'listening');
        servers.push(server);
      } catch (error) {
        if (tries >= MOST_TRIES) throw error;
      }
    }
    return servers.map((server) => (server.address() as { readonly port: number }).port);
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}
