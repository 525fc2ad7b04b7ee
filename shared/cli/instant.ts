import { AppError } from '../domain/errors.ts';

const DATE = /^\d{4}-\d\d-\d\d$/;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)$/;

/** A date (its midnight, UTC), an ISO instant with its zone, or epoch milliseconds; as epoch ms. Throws `invalid_request`. */
export function parseInstant(text: string, name: string): number {
  if (/^\d{10,16}$/.test(text)) return Number(text);
  const time = DATE.test(text) ? Date.parse(`${text}T00:00:00Z`) : INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time) || (DATE.test(text) && !new Date(time).toISOString().startsWith(text))) {
    const fields = [{ path: name, problem: 'is not a time', allowed: 'a date (2024-08-01) or an instant (2024-08-01T06:00:00Z)' }];
    throw new AppError('invalid_request', `${name} ${JSON.stringify(text)} cannot be read.`, { fields });
  }
  return time;
}
