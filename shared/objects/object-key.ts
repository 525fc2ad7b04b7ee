import { AppError } from '../domain/errors.ts';

const SEGMENT = /^[A-Za-z0-9._-]{1,255}$/;

/**
 * The `/`-separated segments of an object's key. Throws `invalid_request` for anything but segments of `[A-Za-z0-9._-]` (1 to 255 of them), none of
 * them `.` or `..`: what is left means the same as a file's path and as an S3 key, and leaves its place in neither.
 */
export function segmentsOf(key: string): string[] {
  const segments = key.split('/');
  if (segments.every((segment) => SEGMENT.test(segment) && segment !== '.' && segment !== '..')) return segments;
  throw new AppError(
    'invalid_request',
    `${JSON.stringify(key)} is no object key: segments of A-Z, a-z, 0-9, ".", "_" and "-", parted by "/".`,
    { key },
  );
}
