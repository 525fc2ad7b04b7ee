import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before } from 'node:test';
import { type Host, type HostOptions, startHost } from '../../shared/runtime/host.ts';
import { silentLogger } from '../../shared/telemetry/pino-logger.ts';
import { relay } from './relay.ts';

/** Hosts of a test file, each in a folder of its own; they end with their test, the folders with the file. */
export interface HostSetup {
  /** A folder by name, not made yet. */
  readonly folder: (name: string) => string;
  readonly start: (options?: Partial<HostOptions>) => Promise<Host>;
  /** Ends with the test, too. */
  readonly adopt: (running: Pick<Host, 'stop'>) => void;
}

export function setUpHosts(): HostSetup {
  const running: Pick<Host, 'stop'>[] = [];
  let dir = '';
  let folders = 0;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'streamforge-host-'));
  });
  after(() => rm(dir, { recursive: true }));
  afterEach(async () => {
    for (const host of running.splice(0)) await host.stop({ graceMs: 0 });
  });
  return {
    folder: (name) => join(dir, name),
    adopt: (host) => void running.push(host),
    async start(options = {}) {
      folders += 1;
      const dataDir = join(dir, String(folders));
      const host = await startHost({ functions: relay(), port: 0, dataDir, env: {}, logger: silentLogger, ...options });
      running.push(host);
      return host;
    },
  };
}

export const get = async (host: Pick<Host, 'url'>, path: string): Promise<Record<string, unknown>> =>
  (await (await fetch(`${host.url}${path}`)).json()) as Record<string, unknown>;

export const post = (host: Pick<Host, 'url'>, path: string, body: unknown = {}): Promise<Response> =>
  fetch(`${host.url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
