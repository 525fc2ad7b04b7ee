import { AppError } from '../domain/errors.ts';
import { parseTimePoint } from '../domain/workflow/time-range.ts';

/** A date (its midnight, UTC), an ISO instant with its zone, or epoch milliseconds; as epoch ms. Throws `invalid_request` with the option's name. */
export function parseInstant(text: string, option: string): number {
  const time = parseTimePoint(text);
  if (time !== undefined) return time;
  const fields = [{ path: option, problem: 'is not a time', allowed: 'a date (2024-08-01) or an instant (2024-08-01T06:00:00Z)' }];
  throw new AppError('invalid_request', `${option} ${JSON.stringify(text)} cannot be read.`, { fields });
}
