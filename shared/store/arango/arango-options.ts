/** Where the stores are and how they are reached. */
export interface ArangoOptions {
  /** `http://host:8529`; without user and password. */
  readonly url: string;
  /** Created, with its collections, where it is missing and the user may. */
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** How long one request may take. Default 30,000. */
  readonly timeoutMs?: number;
  /** How long a call tries again after conflicts and while the server is overloaded. Default 10,000. */
  readonly retryForMs?: number;
  /** The first wait before another try; doubled each time, with jitter, up to 100 times of it. Default 10. */
  readonly retryWaitMs?: number;
}

/** The options with every number in place. */
export type FullArangoOptions = Required<ArangoOptions>;

/** A page of 5,000 rows takes a few hundred ms; a statement over millions of index entries several seconds. */
const TIMEOUT_MS = 30_000;
/** Shorter than the leases and heartbeats above: what takes longer is `store_unavailable`, and the caller's to repeat. */
const RETRY_FOR_MS = 10_000;
const RETRY_WAIT_MS = 10;

/** User and password that stand in the address are taken out of it: it is shown in messages. */
export function withDefaults(options: ArangoOptions): FullArangoOptions {
  const url = new URL(options.url);
  url.username = '';
  url.password = '';
  const bare = url.href.replace(/\/$/, '');
  return { timeoutMs: TIMEOUT_MS, retryForMs: RETRY_FOR_MS, retryWaitMs: RETRY_WAIT_MS, ...options, url: bare };
}
