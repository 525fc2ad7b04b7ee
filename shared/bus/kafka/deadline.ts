import { AppError } from '../../domain/errors.ts';

/** A call to a broker that did not come back in time. What it was to do may still happen. */
export class CallTimeout extends Error {
  override readonly name = 'CallTimeout';
}

/** `work`, or a `CallTimeout` after `ms`. What `work` does later is nobody's concern then. */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new CallTimeout(`${what} did not end within ${ms} ms`)), ms);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}

/** The failure of everything that is asked of a bus that was closed. */
export function closedError(): AppError {
  return new AppError('bus_unavailable', 'The bus is closed: open it again.', {});
}
