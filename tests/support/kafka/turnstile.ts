import type { Exchange } from '../../../shared/exchanges/exchange.ts';
import { overriding } from '../../runtime/overriding.ts';

/** Lets so many shards be read to their end, and holds the others: a load that lasts as long as a test wants it to. */
export interface Turnstile {
  readonly around: (exchange: Exchange) => Exchange;
  allow(shards: number): void;
  /** How many reads were aborted before their end. */
  readonly cut: number;
}

/** Every read waits for one that is allowed. A read that is aborted gives it back: what is allowed are reads that end. */
export function createTurnstile(): Turnstile {
  let free = 0;
  let cut = 0;
  const waiting = new Set<() => void>();
  const allow = (shards: number): void => {
    free += shards;
    for (const enter of [...waiting]) {
      if (free <= 0) return;
      free -= 1;
      waiting.delete(enter);
      enter();
    }
  };
  const pass = (signal: AbortSignal | undefined): Promise<void> => {
    signal?.throwIfAborted();
    if (free > 0) {
      free -= 1;
      return Promise.resolve();
    }
    const entered = Promise.withResolvers<void>();
    const enter = entered.resolve;
    waiting.add(enter);
    signal?.addEventListener('abort', () => {
      if (!waiting.delete(enter)) return;
      cut += 1;
      entered.reject(signal.reason);
    });
    return entered.promise;
  };
  return {
    allow,
    get cut() {
      return cut;
    },
    around: (exchange) =>
      overriding(exchange, {
        async *readHistory(request, options) {
          await pass(options?.signal);
          let ended = false;
          try {
            const summary = yield* exchange.readHistory(request, options);
            ended = true;
            return summary;
          } finally {
            if (!ended) {
              cut += 1;
              allow(1);
            }
          }
        },
      }),
  };
}
