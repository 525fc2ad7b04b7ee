import { createHash } from 'node:crypto';
import { SHORT_ID_LENGTH } from '../../shared/domain/workflow/queue-id.ts';
import type { WorkflowRequest } from '../../shared/domain/workflow/request.ts';

/** SHA-256 of a request in its normal form, lower-case hex: two bodies that mean the same have the same. No clock is in it. */
export function requestHash(request: WorkflowRequest): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(request)))
    .digest('hex');
}

/** The value with the keys of every object in one order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, entry]) => [key, sorted(entry)]),
  );
}

/** The short id that an idempotency key gives, so that two servers asked at once agree. `round` counts ids that were taken by others (from 0). */
export function shortIdOfKey(key: string, round: number): string {
  const digest = createHash('sha256').update(`${round}\n${key}`).digest();
  return digest.readBigUInt64BE(0).toString(36).padStart(SHORT_ID_LENGTH, '0').slice(-SHORT_ID_LENGTH);
}
