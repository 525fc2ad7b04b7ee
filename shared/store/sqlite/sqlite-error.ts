import { AppError, type ErrorCode } from '../../domain/errors.ts';

/** SQLite's primary result codes (sqlite.org/rescode.html) that say something about the file or its disk, not about a statement. */
const MEANINGS: Readonly<Record<number, ErrorCode>> = {
  5: 'store_unavailable', // BUSY
  6: 'store_unavailable', // LOCKED
  8: 'store_unavailable', // READONLY
  10: 'store_unavailable', // IOERR
  11: 'store_unavailable', // CORRUPT
  13: 'storage_full', // FULL
  14: 'store_unavailable', // CANTOPEN
  26: 'store_unavailable', // NOTADB
};

const FULL_DISK = new Set(['ENOSPC', 'EDQUOT']);

/** SQLite's primary result code of an error of `node:sqlite`, else undefined. */
export function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}

/** An error of SQLite or of the file system as ours, with the original as cause; `doing` tells what was tried. */
export function toStoreError(error: unknown, doing: string): AppError {
  if (error instanceof AppError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const system = error instanceof Error && 'code' in error ? String(error.code) : '';
  const primary = sqliteCode(error);
  const code = FULL_DISK.has(system) ? 'storage_full' : primary === undefined ? undefined : MEANINGS[primary];
  return new AppError(code ?? 'unclassified', `${doing}: ${message}`, primary === undefined ? {} : { sqlite_code: primary }, error);
}
