import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AwsV4Signer } from 'aws4fetch';
import { AppError } from '../../domain/errors.ts';
import { errorCodeOf, failureOf, type S3Failure, type S3Place } from './s3-failure.ts';
import { S3_LIMITS, type S3Limits, type S3Options } from './s3-options.ts';
import { type HttpAnswer, type S3Method, S3Transport } from './s3-transport.ts';

/** One call of the S3 API. */
export interface S3Call {
  readonly method: S3Method;
  /** Absent: a call on the bucket. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  /** All of them are signed. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** SHA-256 of the body, hex, where it is known already. */
  readonly sha256?: string;
  readonly signal?: AbortSignal | undefined;
  /** Begins a message: "writing the object a/b". */
  readonly doing: string;
  /** Answers that are no failure of this call beside 2xx. A missing bucket is always one. */
  readonly expected?: readonly number[];
  /** Fewer requests than the limit, and a nearer deadline, ms. */
  readonly tries?: number;
  readonly deadlineMs?: number;
  /** Asked before each further request, because the one before may have been heard although its answer was not: an answer found here ends the call. */
  readonly instead?: () => Promise<HttpAnswer | undefined>;
}

/** An answer, and how many requests it took. */
export interface S3Answer extends HttpAnswer {
  readonly tries: number;
}

const NOTHING = new Uint8Array(0);
/** Hashing is the one long computation here: about 3 ms of it at a time. */
const HASH_SLICE_BYTES = 4 * 1024 * 1024;

/** SHA-256, hex, in steps between which others run. */
export async function sha256Of(body: Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; at < body.length; at += HASH_SLICE_BYTES) {
    if (at > 0) await nextTurn();
    hash.update(body.subarray(at, at + HASH_SLICE_BYTES));
  }
  return hash.digest('hex');
}

/** Signs (AWS Signature Version 4, the body's hash included), sends, waits, tries again, and translates what went wrong. */
export class S3Calls {
  readonly limits: S3Limits;
  readonly place: S3Place;
  readonly #options: S3Options;
  readonly #transport: S3Transport;
  readonly #prefix: string;
  readonly #signingKeys = new Map<string, ArrayBuffer>();
  readonly #closing = new AbortController();
  /** The server's clock minus ours, ms; 0 until a server minds. */
  #skewMs = 0;

  /** Throws `invalid_setting` for an endpoint that is no URL. */
  constructor(options: S3Options) {
    const url = URL.canParse(options.endpoint) ? new URL(options.endpoint) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '')
      throw new AppError('invalid_setting', 'S3_ENDPOINT is not the URL of a server (http or https, without credentials).');
    this.#options = options;
    this.limits = { ...S3_LIMITS, ...options.limits };
    this.#prefix = `${url.origin}${url.pathname.replace(/\/+$/, '')}/${encodeURIComponent(options.bucket)}`;
    this.place = { endpoint: url.origin + url.pathname.replace(/\/+$/, ''), bucket: options.bucket };
    this.#transport = new S3Transport({ origin: url.origin, clock: options.clock, ...this.limits });
  }

  /** Epoch ms by the server's clock, as far as it is known. */
  now(): number {
    return this.#options.clock.now() + this.#skewMs;
  }

  /**
   * The answer, 2xx or expected. Throws `invalid_setting` for a refused bucket or credentials, `storage_full`, `not_found`, `invalid_request`, `timeout`,
   * `store_unavailable` once all tries are used or nobody is left to wait for, or the signal's reason.
   */
  async send(call: S3Call): Promise<S3Answer> {
    const { clock, random } = this.#options;
    const started = clock.now();
    const sha256 = call.sha256 ?? (await sha256Of(call.body ?? NOTHING));
    const signal = call.signal === undefined ? this.#closing.signal : AbortSignal.any([call.signal, this.#closing.signal]);
    for (let tries = 1; ; tries += 1) {
      const skewMs = this.#skewMs;
      const outcome = await this.#once(call, sha256, signal);
      if (!('again' in outcome)) return { ...outcome, tries };
      const last = tries >= (call.tries ?? this.limits.tries) || clock.now() - started >= (call.deadlineMs ?? this.limits.deadlineMs);
      if (!outcome.again || last) throw outcome.error;
      // A clock that has just been corrected waits for nothing.
      if (skewMs === this.#skewMs) {
        await clock.sleep(this.limits.firstWaitMs * 2 ** (tries - 1) * (0.5 + random.next() / 2), signal);
      }
      const instead = await call.instead?.();
      if (instead !== undefined) return { ...instead, tries };
    }
  }

  /** Ends open calls with `store_unavailable`. */
  async close(): Promise<void> {
    this.#closing.abort(new AppError('store_unavailable', `The object store in ${this.place.bucket} of ${this.place.endpoint} is closed.`));
    await this.#transport.close();
  }

  async #once(call: S3Call, sha256: string, signal: AbortSignal): Promise<HttpAnswer | S3Failure> {
    const { method, key, body, doing, deadlineMs, expected = [] } = call;
    const url = new URL(key === undefined ? this.#prefix : `${this.#prefix}/${key}`);
    for (const [name, value] of Object.entries(call.query ?? {})) url.searchParams.set(name, value);
    const headers = await this.#sign(method, url, { ...call.headers, 'x-amz-content-sha256': sha256 });
    const answer = await this.#transport
      .exchange({ method, path: url.pathname + url.search, headers, body, signal, deadlineMs })
      .catch((error: unknown): S3Failure => this.#silence(error, signal, doing));
    if ('again' in answer) return answer;
    const code = answer.status < 300 && method !== 'POST' ? '' : errorCodeOf(answer);
    if (answer.status < 300 && code === '') return answer;
    if (code === 'RequestTimeTooSkewed') {
      const theirs = Date.parse(answer.headers.date ?? '');
      if (!Number.isNaN(theirs)) this.#skewMs = theirs - this.#options.clock.now();
    }
    if (expected.includes(answer.status) && code !== 'NoSuchBucket') return answer;
    return failureOf(answer, doing, this.place, key === undefined ? 'bucket' : 'object');
  }

  async #sign(method: S3Method, url: URL, headers: Readonly<Record<string, string>>): Promise<Record<string, string>> {
    const { accessKey, secretKey, region } = this.#options;
    const signer = new AwsV4Signer({
      ...{ method, url: url.href, headers, service: 's3', region, cache: this.#signingKeys },
      ...{ accessKeyId: accessKey, secretAccessKey: secretKey },
      datetime: new Date(this.now()).toISOString().replace(/[:-]|\.\d{3}/g, ''),
    });
    return Object.fromEntries((await signer.sign()).headers);
  }

  /** A request that got no answer: the caller's end is thrown as it is, everything else may pass. */
  #silence(error: unknown, signal: AbortSignal, doing: string): S3Failure {
    if (signal.aborted) throw signal.reason;
    if (!(error instanceof AppError)) throw error;
    const { bucket, endpoint } = this.place;
    const said = new AppError(error.code, `${doing} in the bucket ${bucket} of ${endpoint}: ${error.message}`, { ...this.place }, error);
    return { error: said, code: '', again: true };
  }
}
