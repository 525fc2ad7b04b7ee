import { AppError } from '../../domain/errors.ts';
import { elementsOf, textOf } from './answer-xml.ts';
import type { S3Answer, S3Call, S3Calls } from './s3-calls.ts';
import type { HttpAnswer } from './s3-transport.ts';

/** One object that travels in parts. */
export interface LargePut {
  readonly key: string;
  readonly body: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
  readonly ifAbsent: boolean;
  readonly signal?: AbortSignal | undefined;
  /** The object under the key, or undefined where there is none. */
  readonly head: () => Promise<HttpAnswer | undefined>;
}

/**
 * Multipart upload (Amazon S3 API reference: CreateMultipartUpload, UploadPart, CompleteMultipartUpload). Parts travel side by side, a few at once; the
 * object appears with the last call, whole. Whatever fails, the upload is taken back, so that no part stays behind. Returns the answer that decided:
 * 200, 412 where `ifAbsent` met an object, or that of `head` where the last call's answer was lost.
 */
export async function putInParts(calls: S3Calls, put: LargePut): Promise<S3Answer> {
  const { key, signal } = put;
  const doing = `writing the object ${key}`;
  await clearLeftovers(calls, key, signal);
  const created = await calls.send({ method: 'POST', key, query: { uploads: '' }, headers: put.metadata, doing, signal });
  const uploadId = textOf(textIn(created), 'UploadId');
  if (uploadId === undefined) throw new AppError('store_unavailable', `${doing}: the server began an upload without an id.`, { key });
  try {
    const etags = await sendParts(calls, put, uploadId);
    const answer = await calls.send(completion(put, uploadId, etags, doing));
    // Another object was there first: what was uploaded is not asked for any more.
    if (answer.status === 412) await takeBack(calls, key, uploadId);
    if (answer.status !== 404) return answer;
    throw new AppError('store_unavailable', `${doing}: the upload was gone before it was complete.`, { key });
  } catch (error) {
    // The first failure is the one to tell. An upload that cannot be taken back now is cleared by a later put.
    await takeBack(calls, key, uploadId).catch(() => undefined);
    throw error;
  }
}

function completion(
  { key, ifAbsent, metadata, signal, head }: LargePut,
  uploadId: string,
  etags: readonly string[],
  doing: string,
): S3Call {
  const parts = etags.map((etag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${etag}</ETag></Part>`).join('');
  return {
    method: 'POST',
    key,
    query: { uploadId },
    headers: ifAbsent ? { 'if-none-match': '*' } : {},
    body: new TextEncoder().encode(`<CompleteMultipartUpload>${parts}</CompleteMultipartUpload>`),
    signal,
    doing,
    expected: [404, 412],
    // Heard although its answer was lost: then the object is there, with our own mark on it.
    instead: async () => {
      const there = await head();
      return there?.headers['x-amz-meta-put'] === metadata['x-amz-meta-put'] ? there : undefined;
    },
  };
}

/** Sends every part and returns their entity tags in order. The first failure ends the others, and is thrown when none is on its way any more. */
async function sendParts(calls: S3Calls, { key, body, signal }: LargePut, uploadId: string): Promise<string[]> {
  const { partBytes, partsAtOnce } = calls.limits;
  const count = Math.ceil(body.length / partBytes);
  const failed = new AbortController();
  const ended = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
  const etags: string[] = [];
  let next = 0;
  const carry = async (): Promise<void> => {
    while (next < count) {
      const part = next++;
      const { headers } = await calls.send({
        method: 'PUT',
        key,
        query: { partNumber: String(part + 1), uploadId },
        body: body.subarray(part * partBytes, (part + 1) * partBytes),
        signal: ended,
        doing: `writing part ${part + 1} of ${count} of the object ${key}`,
      });
      etags[part] = headers.etag ?? '';
    }
  };
  const carriers = Array.from({ length: Math.min(partsAtOnce, count) }, carry);
  try {
    await Promise.all(carriers);
    return etags;
  } catch (error) {
    failed.abort(error);
    await Promise.allSettled(carriers);
    throw error;
  }
}

/** Not under the caller's signal: an aborted put has to clean up too. */
async function takeBack(calls: S3Calls, key: string, uploadId: string): Promise<void> {
  await calls.send({ method: 'DELETE', key, query: { uploadId }, doing: `taking back the upload of ${key}`, expected: [404] });
}

/**
 * Takes back uploads of this key that a crash left unfinished long ago, or whose id a lost answer kept from us (those hold no bytes). Tidying alone: where listing them is not allowed, the put
 * goes on.
 */
async function clearLeftovers(calls: S3Calls, key: string, signal: AbortSignal | undefined): Promise<void> {
  const call: S3Call = { method: 'GET', query: { uploads: '', prefix: key }, doing: `looking for unfinished uploads of ${key}`, signal };
  const answer = await calls.send(call).catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'invalid_setting') return undefined;
    throw error;
  });
  if (answer === undefined) return;
  for (const upload of elementsOf(textIn(answer), 'Upload')) {
    const [uploadId, began] = [textOf(upload, 'UploadId'), Date.parse(textOf(upload, 'Initiated') ?? '')];
    const isOld = began <= calls.now() - calls.limits.leftoverAgeMs;
    if (textOf(upload, 'Key') === key && isOld && uploadId !== undefined) await takeBack(calls, key, uploadId);
  }
}

/** An answer's body as text. */
export function textIn({ body }: HttpAnswer): string {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
}
