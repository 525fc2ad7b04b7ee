import { AppError, type ErrorCode } from '../../domain/errors.ts';
import { textOf } from './answer-xml.ts';
import type { HttpAnswer } from './s3-transport.ts';

/** What an answer that is no success means here. */
export interface S3Failure {
  readonly error: AppError;
  /** S3's own word (`SlowDown`, `NoSuchKey`); empty where the answer has none, as one to HEAD. */
  readonly code: string;
  /** True where the same request may succeed a little later. */
  readonly again: boolean;
}

/** Whom to blame: named in messages. The endpoint has no credentials in it. */
export interface S3Place {
  readonly endpoint: string;
  readonly bucket: string;
}

/** Codes of S3's error table (Amazon S3 API reference, "List of error codes", 2024) and of MinIO's `api-errors.go`, by what they mean to us. */
const SETTINGS: Readonly<Record<string, string>> = {
  NoSuchBucket: 'there is no such bucket: create it, or correct S3_BUCKET',
  InvalidBucketName: 'that is no name of a bucket: correct S3_BUCKET',
  InvalidAccessKeyId: 'the access key is not known there: correct S3_ACCESS_KEY',
  SignatureDoesNotMatch: 'the secret key does not fit the access key: correct S3_SECRET_KEY',
  AccessDenied: 'the access key may not do this: grant it reading, writing, listing and deleting in the bucket',
  AllAccessDisabled: 'the bucket is disabled',
  AuthorizationHeaderMalformed: 'the server is of another region: correct S3_REGION',
  InvalidRegion: 'the server is of another region: correct S3_REGION',
  PermanentRedirect: 'the bucket is of another endpoint or region: correct S3_ENDPOINT and S3_REGION',
  TemporaryRedirect: 'the bucket is of another endpoint or region: correct S3_ENDPOINT and S3_REGION',
  NotImplemented: 'the server lacks a call that is needed',
};
const FULL = new Set(['XMinioStorageFull', 'XMinioAdminBucketQuotaExceeded', 'QuotaExceeded']);
const BAD_KEY = new Set(['KeyTooLongError', 'XMinioParentIsObject', 'XMinioObjectExistsAsDirectory', 'XMinioInvalidObjectName']);
const PASSING = new Set([
  'RequestTimeout',
  'RequestTimeTooSkewed',
  'OperationAborted',
  'ConditionalRequestConflict',
  'BadDigest',
  'XAmzContentSHA256Mismatch',
  'IncompleteBody',
]);

/** S3's word for what went wrong, also where it stands in a 200 (a completed upload may fail behind its status line). */
export function errorCodeOf({ body, headers, status }: HttpAnswer): string {
  const ownHeader = headers['x-minio-error-code'];
  if (ownHeader !== undefined) return ownHeader;
  if (body.length === 0 || body.length > 64 * 1024) return '';
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  return status >= 300 || text.includes('<Error>') ? (textOf(text, 'Code') ?? '') : '';
}

/** Translates an answer to an error of contracts. `doing` begins the message: "writing the object a/b"; `of` is what was asked for. */
export function failureOf(answer: HttpAnswer, doing: string, { endpoint, bucket }: S3Place, of: 'object' | 'bucket'): S3Failure {
  const { status } = answer;
  const code = errorCodeOf(answer);
  const said = code === '' ? `status ${status}` : code;
  const failure = (errorCode: ErrorCode, why: string, again = false): S3Failure => ({
    error: new AppError(errorCode, `${doing} in the bucket ${bucket} of ${endpoint}: ${why} (${said}).`, {
      endpoint,
      bucket,
      status,
      s3_code: code,
    }),
    code,
    again,
  });
  if (status === 507 || FULL.has(code)) return failure('storage_full', 'there is no room left');
  const setting = SETTINGS[code];
  if (setting !== undefined) return failure('invalid_setting', setting);
  if (PASSING.has(code)) return failure('store_unavailable', 'the server did not take it this time', true);
  if (BAD_KEY.has(code)) return failure('invalid_request', 'the server cannot have that key: it is too long, or an object stands above it');
  if (status === 401 || status === 403)
    return failure('invalid_setting', 'the server refuses the credentials: correct S3_ACCESS_KEY and S3_SECRET_KEY');
  if (status >= 300 && status < 400)
    return failure('invalid_setting', 'the server sends us elsewhere: correct S3_ENDPOINT, S3_BUCKET and S3_REGION');
  if (status === 404 && of === 'bucket')
    return failure('invalid_setting', 'nothing is known there of such a bucket: correct S3_ENDPOINT and S3_BUCKET');
  if (status === 404) return failure(code === 'NoSuchUpload' ? 'store_unavailable' : 'not_found', 'it is not there');
  if (status >= 500 || status === 429 || status === 408 || status < 300)
    return failure('store_unavailable', 'the server cannot do it now', true);
  return failure('unclassified', 'the server refuses it');
}
