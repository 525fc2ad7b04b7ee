import { randomUUID } from 'node:crypto';
import { AppError } from '../../domain/errors.ts';
import { segmentsOf } from '../object-key.ts';
import type { ObjectStore } from '../object-store.ts';
import { textOf, textsOf } from './answer-xml.ts';
import { putInParts, textIn } from './put-in-parts.ts';
import { type S3Answer, type S3Call, S3Calls, sha256Of } from './s3-calls.ts';
import type { S3Options } from './s3-options.ts';
import type { HttpAnswer } from './s3-transport.ts';

/** A put above this asks first whether the object is there: a refusal in the middle of a body may end the connection before it is read. */
const ASK_FIRST_BYTES = 64 * 1024;

/** A start does not wait long for a server that is away. */
const FIRST_LOOK = { tries: 2, deadlineMs: 5_000 };

/**
 * Opens the objects of one bucket; makes none. Throws `invalid_setting`, in one line with endpoint and bucket, where the bucket is not there, the
 * credentials are refused or the server speaks no S3. A server that is away keeps nobody from starting: calls wait and say so themselves.
 */
export async function openS3ObjectStore(options: S3Options): Promise<ObjectStore> {
  const calls = new S3Calls(options);
  const store = new S3ObjectStore(calls);
  try {
    await keysAfter(calls, { prefix: '', most: 1 }, FIRST_LOOK);
  } catch (error) {
    if (error instanceof AppError && error.meaning === 'retryable') return store;
    await calls.close();
    throw error;
  }
  return store;
}

/**
 * Objects of an S3 bucket, path style. Each carries the SHA-256 of its bytes, checked by every get, and the mark of the put that wrote it, by which a
 * put knows its own work where an answer was lost.
 */
class S3ObjectStore implements ObjectStore {
  readonly #calls: S3Calls;
  #closed = false;

  constructor(calls: S3Calls) {
    this.#calls = calls;
  }

  async put(
    key: string,
    body: Uint8Array,
    { ifAbsent = false, signal }: { readonly ifAbsent?: boolean; readonly signal?: AbortSignal } = {},
  ): Promise<'written' | 'exists'> {
    segmentsOf(key);
    this.#check(`writing the object ${key}`, signal);
    const calls = this.#calls;
    const head = (): Promise<HttpAnswer | undefined> => this.#head(key, signal);
    if (ifAbsent && body.length > ASK_FIRST_BYTES && (await head()) !== undefined) return 'exists';
    const mark = randomUUID();
    const sha256 = await sha256Of(body);
    const metadata = { 'x-amz-meta-sha256': sha256, 'x-amz-meta-put': mark };
    const answer: S3Answer =
      body.length > calls.limits.multipartAboveBytes
        ? await putInParts(calls, { key, body, metadata, ifAbsent, signal, head })
        : await calls.send({
            method: 'PUT',
            key,
            body,
            sha256,
            signal,
            headers: ifAbsent ? { ...metadata, 'if-none-match': '*' } : metadata,
            doing: `writing the object ${key}`,
            ...(ifAbsent ? { expected: [412], instead: head } : {}),
          });
    // After several tries the object that is there may be this one.
    const decided = answer.status === 412 && answer.tries > 1 ? ((await head()) ?? answer) : answer;
    const found = decided.headers['x-amz-meta-put'];
    return decided.status === 412 || (found !== undefined && found !== mark) ? 'exists' : 'written';
  }

  async get(key: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Uint8Array> {
    segmentsOf(key);
    const doing = `reading the object ${key}`;
    this.#check(doing, signal);
    const { body, headers } = await this.#calls.send({ method: 'GET', key, doing, signal });
    const expected = headers['x-amz-meta-sha256'];
    if (expected === undefined || expected === (await sha256Of(body))) return body;
    const { bucket, endpoint } = this.#calls.place;
    throw new AppError(
      'store_unavailable',
      `${doing} in the bucket ${bucket} of ${endpoint}: its bytes are not those that were written (SHA-256). Write it again.`,
      { key, expected_sha256: expected },
    );
  }

  async has(key: string): Promise<boolean> {
    segmentsOf(key);
    this.#check(`looking for the object ${key}`);
    return (await this.#head(key)) !== undefined;
  }

  async list(prefix: string): Promise<readonly string[]> {
    if (prefix.includes('/')) segmentsOf(prefix.slice(0, prefix.lastIndexOf('/')));
    this.#check(`listing the objects under ${prefix}`);
    const keys: string[] = [];
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page = await keysAfter(this.#calls, { prefix, after });
      keys.push(...page.keys);
      after = page.next;
    }
    return keys.sort();
  }

  async delete(key: string): Promise<void> {
    segmentsOf(key);
    const doing = `deleting the object ${key}`;
    this.#check(doing);
    await this.#calls.send({ method: 'DELETE', key, doing, expected: [404] });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#calls.close();
  }

  async #head(key: string, signal?: AbortSignal): Promise<HttpAnswer | undefined> {
    const answer = await this.#calls.send({ method: 'HEAD', key, doing: `looking for the object ${key}`, signal, expected: [404] });
    return answer.status === 404 ? undefined : answer;
  }

  #check(doing: string, signal?: AbortSignal): void {
    signal?.throwIfAborted();
    const { bucket, endpoint } = this.#calls.place;
    if (this.#closed) throw new AppError('store_unavailable', `The object store in ${bucket} of ${endpoint} is closed (${doing}).`);
  }
}

/** One page of at most 1,000 keys, and where the next one begins (undefined after the last). */
async function keysAfter(
  calls: S3Calls,
  { prefix, after = '', most = 1_000 }: { readonly prefix: string; readonly after?: string; readonly most?: number },
  patience: Pick<S3Call, 'tries' | 'deadlineMs'> = {},
): Promise<{ readonly keys: string[]; readonly next: string | undefined }> {
  const doing = prefix === '' ? 'listing the objects' : `listing the objects under ${prefix}`;
  const answer = await calls.send({
    method: 'GET',
    query: {
      ...{ 'list-type': '2', prefix, 'encoding-type': 'url', 'max-keys': String(most) },
      ...(after === '' ? {} : { 'continuation-token': after }),
    },
    doing,
    ...patience,
  });
  const xml = textIn(answer);
  const next = textOf(xml, 'IsTruncated') === 'true' ? textOf(xml, 'NextContinuationToken') : undefined;
  if (!xml.includes('<ListBucketResult') || (next === undefined && textOf(xml, 'IsTruncated') === 'true')) {
    const { bucket, endpoint } = calls.place;
    throw new AppError('invalid_setting', `${doing} in the bucket ${bucket} of ${endpoint}: the answer is not S3's. Correct S3_ENDPOINT.`);
  }
  return { keys: textsOf(xml, 'Key').map((key) => decodeURIComponent(key)), next };
}
