import type { ExchangeName } from '../domain/series.ts';
import type { Exchange } from '../exchanges/exchange.ts';

/**
 * An exchange whose adapter is imported and opened with the first call: its HTTP client costs a function that never asks an exchange a tenth of a second
 * of its start.
 */
export function lazyExchange(name: ExchangeName, open: () => Promise<Exchange>): Exchange {
  let opened: Exchange | undefined;
  let opening: Promise<Exchange> | undefined;
  const adapter = (): Promise<Exchange> => {
    opening ??= open().then((exchange) => {
      opened = exchange;
      return exchange;
    });
    return opening;
  };
  return {
    name,
    time: async (options) => (await adapter()).time(options),
    symbol: async (symbol, options) => (await adapter()).symbol(symbol, options),
    symbols: async (options) => (await adapter()).symbols(options),
    async *readHistory(request, options) {
      return yield* (await adapter()).readHistory(request, options);
    },
    depthSnapshot: async (symbol, limit, options) => (await adapter()).depthSnapshot(symbol, limit, options),
    firstRowTime: async (series, options) => (await adapter()).firstRowTime(series, options),
    // Nobody froze an adapter that has not asked yet.
    frozenUntil: () => opened?.frozenUntil(),
    close: async () => (await opening)?.close(),
  };
}
