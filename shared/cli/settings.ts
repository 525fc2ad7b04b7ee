import { readFileSync } from 'node:fs';
import { type ApiClient, createApiClient, DEFAULT_URL } from './client.ts';

/** The host that commands talk to: `STREAMFORGE_URL`, else the one that `serve` starts without options. */
export function hostUrl(): string {
  return process.env.STREAMFORGE_URL ?? DEFAULT_URL;
}

/** A client of that host, with the token of `API_TOKEN` or `API_TOKEN_FILE` where one is set. */
export function hostClient(url = hostUrl()): ApiClient {
  const file = process.env.API_TOKEN_FILE;
  const token = process.env.API_TOKEN ?? (file === undefined ? undefined : readFileSync(file, 'utf8').trim());
  return createApiClient(url, token);
}

/** The folder of the embedded data: `STREAMFORGE_DATA_DIR`, else `.streamforge`. */
export function dataDir(): string {
  return process.env.STREAMFORGE_DATA_DIR ?? '.streamforge';
}
