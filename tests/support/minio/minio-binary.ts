import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const HERE = import.meta.dirname;
const MODULE = 'github.com/minio/minio';

/** The version that `go.mod` pins, and where its program is kept: in the user's cache directory, or where `STREAMFORGE_MINIO` names one. */
export function minioBinary(): string {
  const named = process.env.STREAMFORGE_MINIO;
  if (named !== undefined && named !== '') return named;
  const version = new RegExp(`${MODULE} (v\\S+)`).exec(readFileSync(join(HERE, 'go.mod'), 'utf8'))?.[1];
  if (version === undefined) throw new Error(`${HERE}/go.mod names no version of ${MODULE}`);
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  return join(cache, 'streamforge', `minio-${version}`);
}

/**
 * A reason to skip where no MinIO was built, or `false`. With CI set it is always `false`: there a missing server is a failure, which `startMinio` tells.
 */
export function withoutMinio(): string | false {
  if (process.env.CI !== undefined || existsSync(minioBinary())) return false;
  return 'skipped, because no MinIO is there: `node tests/support/minio/build.ts` builds it once (Go; about 7 minutes of one core)';
}

/** Builds the pinned version from Go's module proxy, checked against `go.sum`, unless it is there already. Rejects with Go's last words. */
export async function buildMinio(): Promise<string> {
  const target = minioBinary();
  if (existsSync(target)) return target;
  await mkdir(dirname(target), { recursive: true });
  // Appears whole or not at all, also where two build at once.
  const growing = `${target}.${randomUUID()}`;
  try {
    const args = ['build', '-mod=readonly', '-trimpath', '-ldflags', '-s -w', '-o', growing, MODULE];
    await promisify(execFile)('go', args, {
      cwd: HERE,
      env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '' },
      maxBuffer: 64 * 1024 * 1024,
    });
    await rename(growing, target);
    return target;
  } catch (error) {
    const words = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n').slice(-5).join('\n') : '';
    throw new Error(`MinIO could not be built (is Go there, and its module proxy in reach?)\n${words}`, { cause: error });
  } finally {
    await rm(growing, { force: true });
  }
}
