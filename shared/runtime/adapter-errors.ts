import { AppError, isAbort, toAppError } from '../domain/errors.ts';

/** Ports whose unclassified errors are retried without end. */
export type AdapterName = 'bus' | 'store' | 'objects';

/**
 * The port with one difference: an error that its adapter did not classify leaves it as `unclassified` with `context.adapter`, so that delivery knows it
 * from an error of the handler itself. Cancellations pass as they are. Methods, async iterables and nested objects (`bus.admin`) alike.
 */
export function classifyErrors<P extends object>(port: P, adapter: AdapterName): P {
  const members = new Map<PropertyKey, unknown>();
  return new Proxy(port, {
    get(target, name) {
      const known = members.get(name);
      if (known !== undefined) return known;
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function' && (typeof member !== 'object' || member === null)) return member;
      const guarded =
        typeof member === 'function'
          ? (...args: unknown[]) => guard(() => member.apply(target, args), adapter)
          : classifyErrors(member, adapter);
      members.set(name, guarded);
      return guarded;
    },
  });
}

function guard(call: () => unknown, adapter: AdapterName): unknown {
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    throw classified(error, adapter);
  }
  if (result instanceof Promise) {
    return result.catch((error: unknown) => {
      throw classified(error, adapter);
    });
  }
  return isAsyncIterable(result) ? guardIterable(result, adapter) : result;
}

async function* guardIterable(iterable: AsyncIterable<unknown>, adapter: AdapterName): AsyncGenerator {
  try {
    yield* iterable;
  } catch (error) {
    throw classified(error, adapter);
  }
}

function classified(error: unknown, adapter: AdapterName): unknown {
  if (isAbort(error)) return error;
  if (error instanceof AppError && error.code !== 'unclassified') return error;
  const { message, context, cause } = toAppError(error);
  return new AppError('unclassified', message, { ...context, adapter }, cause);
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
