import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AwsClient } from 'aws4fetch';
import { freePorts } from '../../../shared/cli/demo/free-ports.ts';
import { eventually } from '../eventually.ts';
import { minioBinary } from './minio-binary.ts';

/** A MinIO of one's own: a process on a free port of 127.0.0.1, its data in a temporary folder. */
export interface Minio {
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
  readonly dataDir: string;
  /** Signed by another hand than the adapter's: for what a test arranges and looks at. Resolves with whatever the server answers. */
  request(method: string, path: string, body?: string): Promise<Response>;
  /** Makes a bucket, of a new name unless one is given, and returns the name. */
  createBucket(name?: string): Promise<string>;
  /** Ids of uploads under a key that are neither complete nor taken back. */
  openUploads(bucket: string, key: string): Promise<string[]>;
  /** How many parts an upload has so far. */
  partsOf(bucket: string, key: string, uploadId: string): Promise<number>;
  /** SIGKILL; resolves when the process is gone. Its data stays. */
  kill(): Promise<void>;
  /** SIGSTOP: a server that listens and says nothing. Resolves when that is so. */
  freeze(): Promise<void>;
  /** SIGCONT. */
  thaw(): void;
  /** Starts it again after `kill`, on the same port and data. */
  restart(): Promise<void>;
  /** Ends it and removes the folder. */
  close(): Promise<void>;
}

/** What every bucket and object of one server can be reached with. */
export type MinioAccess = Pick<Minio, 'endpoint' | 'accessKey' | 'secretKey' | 'region'>;

const READY_MS = 30_000;

/** Starts a server and waits until its health call says that it takes requests. Rejects where no MinIO was built. */
export async function startMinio(): Promise<Minio> {
  const binary = minioBinary();
  if (!existsSync(binary)) throw new Error(`There is no MinIO at ${binary}: run \`node tests/support/minio/build.ts\` first.`);
  const dir = await mkdtemp(join(tmpdir(), 'streamforge-minio-'));
  const access = { accessKey: 'streamforge', secretKey: randomUUID(), region: 'us-east-1' };
  const dataDir = join(dir, 'data');
  let [port = 0] = await freePorts(1);
  const start = (): Promise<ServerProcess> => startProcess(binary, dir, dataDir, port, access);
  let server = await start().catch(async () => {
    // Somebody else may have taken the port in between.
    [port = 0] = await freePorts(1);
    return start();
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const client = new AwsClient({
    ...{ accessKeyId: access.accessKey, secretAccessKey: access.secretKey, region: access.region },
    service: 's3',
  });
  const request = (method: string, path: string, body?: string): Promise<Response> =>
    client.fetch(`${endpoint}${path}`, { method, ...(body === undefined ? {} : { body }) });
  return {
    ...access,
    endpoint,
    dataDir,
    request,
    async createBucket(name = `b-${randomUUID()}`) {
      const { status } = await request('PUT', `/${name}`);
      if (status !== 200) throw new Error(`the bucket ${name} was not made: ${status}`);
      return name;
    },
    async openUploads(bucket, key) {
      const answer = await request('GET', `/${bucket}?uploads=&prefix=${encodeURIComponent(key)}`);
      return [...(await answer.text()).matchAll(/<UploadId>([^<]*)</g)].map(([, id = '']) => id);
    },
    async partsOf(bucket, key, uploadId) {
      const answer = await request('GET', `/${bucket}/${key}?uploadId=${uploadId}`);
      return [...(await answer.text()).matchAll(/<PartNumber>/g)].length;
    },
    kill: () => server.end('SIGKILL'),
    async freeze() {
      server.signal('SIGSTOP');
      // Its threads stop one after the other.
      await eventually(() =>
        fetch(`${endpoint}/minio/health/live`, { signal: AbortSignal.timeout(100) }).then(
          () => false,
          () => true,
        ),
      );
    },
    thaw: () => server.signal('SIGCONT'),
    async restart() {
      server = await start();
    },
    async close() {
      await server.end('SIGKILL');
      await rm(dir, { recursive: true, force: true });
    },
  };
}

interface ServerProcess {
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
  end(name: 'SIGKILL' | 'SIGTERM'): Promise<void>;
}

async function startProcess(
  binary: string,
  dir: string,
  dataDir: string,
  port: number,
  { accessKey, secretKey }: Pick<MinioAccess, 'accessKey' | 'secretKey'>,
): Promise<ServerProcess> {
  const env = {
    ...{ PATH: process.env.PATH, HOME: dir, MINIO_ROOT_USER: accessKey, MINIO_ROOT_PASSWORD: secretKey },
    // Nothing but the S3 API, and nothing asked of the outside.
    ...{ MINIO_BROWSER: 'off', MINIO_UPDATE: 'off' },
  };
  const args = ['server', '--quiet', '--address', `127.0.0.1:${port}`, '--certs-dir', join(dir, 'certs'), dataDir];
  const child = spawn(binary, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  let words = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      words = (words + text).slice(-2_000);
    });
  }
  const guard = guardAgainst(child, dir);
  const end = async (name: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    guard.kill('SIGKILL');
    child.kill(name);
    await exited;
  };
  await eventually(
    async () => {
      if (child.exitCode !== null) return true;
      return (await fetch(`http://127.0.0.1:${port}/minio/health/cluster`)).status === 200;
    },
    { deadlineMs: READY_MS, everyMs: 50, what: 'a MinIO that takes requests' },
  ).catch(async (error: unknown) => {
    await end('SIGKILL');
    throw error;
  });
  if (child.exitCode !== null) {
    guard.kill('SIGKILL');
    throw new Error(`MinIO ended with ${child.exitCode} before it was ready: ${words}`);
  }
  return { signal: (name) => void child.kill(name), end };
}

/** Where this process is killed, so is the server, and the folder is removed: a shell that waits for our end of a pipe. */
function guardAgainst(server: ChildProcess, dir: string): ChildProcess {
  const script = 'read -r _; kill -9 "$1" 2>/dev/null; sleep 1; rm -rf "$2"';
  const guard = spawn('sh', ['-c', script, 'guard', String(server.pid), dir], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  guard.unref();
  (guard.stdin as Socket).unref();
  return guard;
}
