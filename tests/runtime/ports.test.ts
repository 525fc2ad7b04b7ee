import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AppError } from '../../shared/domain/errors.ts';
import type { Exchange } from '../../shared/exchanges/exchange.ts';
import { lazyExchange } from '../../shared/runtime/lazy-exchange.ts';
import { type Openers, openPorts } from '../../shared/runtime/ports.ts';

/** Adapters that do nothing but say when they close. */
function tellingOpeners(closed: string[], overrides: Partial<Openers> = {}): Openers {
  const adapter = (name: string, fails = false) => ({
    close: async () => {
      closed.push(name);
      if (fails) throw new Error(`${name} does not close`);
    },
  });
  return {
    bus: async () => adapter('bus') as never,
    stores: async () => ({ market: {}, workflows: {}, graphs: {}, models: {}, ...adapter('stores') }) as never,
    objects: async () => adapter('objects') as never,
    exchanges: { binance: async () => ({ ...adapter('binance'), time: async () => 42 }) as never },
    ...overrides,
  };
}

describe('ports', () => {
  test('close in the order of a shutdown: log, stores, objects, then the exchanges that were asked', async () => {
    const closed: string[] = [];
    const ports = await openPorts(tellingOpeners(closed));
    await ports.exchange('binance').time();

    await ports.close();

    assert.deepEqual(closed, ['bus', 'stores', 'objects', 'binance']);
  });

  test('close all of it where one fails, and tell the failure', async () => {
    const closed: string[] = [];
    const broken = async () => ({ close: () => Promise.reject(new Error('the log does not close')) }) as never;
    const ports = await openPorts(tellingOpeners(closed, { bus: broken }));

    await assert.rejects(ports.close(), /the log does not close/);

    assert.deepEqual(closed, ['stores', 'objects']);
  });

  test('leave nothing open where one of them cannot be opened', async () => {
    const closed: string[] = [];
    const locked = () => Promise.reject(new AppError('data_dir_locked', 'another host has it'));

    await assert.rejects(openPorts(tellingOpeners(closed, { bus: locked })), { code: 'data_dir_locked' });

    assert.deepEqual(closed.sort(), ['objects', 'stores']);
  });

  test('refuse an exchange without adapter by name', async () => {
    const ports = await openPorts(tellingOpeners([]));

    for (const name of ['bitmex', 'nowhere', '__proto__', 'toString'])
      assert.throws(() => ports.exchange(name), { code: 'not_yet_supported' }, name);
    await ports.close();
  });

  test('are one exchange for all who ask: its callers share one budget', async () => {
    const ports = await openPorts(tellingOpeners([]));

    assert.equal(ports.exchange('binance'), ports.exchange('binance'));
    await ports.close();
  });
});

describe('an exchange', () => {
  test('is opened with the store that its request budget stands in', async () => {
    const budgets: unknown[] = [];
    const exchanges: Openers['exchanges'] = {
      binance: async ({ workflows }) => {
        budgets.push(await workflows.readBudget('binance'));
        return { time: async () => 42, close: async () => undefined } as never;
      },
    };
    const workflows = { readBudget: async () => 'the budget' };
    const stores = async () => ({ market: {}, workflows, graphs: {}, models: {}, close: async () => undefined }) as never;
    const ports = await openPorts(tellingOpeners([], { stores, exchanges }));

    await ports.exchange('binance').time();

    assert.deepEqual(budgets, ['the budget']);
    await ports.close();
  });
});

describe('a lazy exchange', () => {
  test('opens its adapter with the first call, once, and passes everything on', async () => {
    let opened = 0;
    const adapter: Exchange = {
      name: 'binance',
      time: async () => 42,
      symbol: async (symbol) => ({ symbol, base_asset: 'A', quote_asset: 'B', status: 'TRADING' }),
      symbols: async () => [],
      async *readHistory() {
        yield { rows: [], refused: [], received_at: 1 };
        return { row_count: 7, refused: [], unavailable: [], absent: [] };
      },
      depthSnapshot: () => Promise.reject(new AppError('timeout', 'late')),
      firstRowTime: async () => undefined,
      frozenUntil: () => 99,
      close: async () => undefined,
    };
    const exchange = lazyExchange('binance', async () => {
      opened += 1;
      return adapter;
    });
    const series = { exchange: 'binance', symbol: 'X', kind: 'trades' } as const;

    const before = [opened, exchange.frozenUntil()];
    const [time, { symbol }] = await Promise.all([exchange.time(), exchange.symbol('X')]);
    const pages = exchange.readHistory({ series, from: 0, to: 1 });
    const [first, last] = [await pages.next(), await pages.next()];

    assert.deepEqual(before, [0, undefined]);
    assert.deepEqual([time, symbol, first.done, last.done, last.done === true ? last.value.row_count : 0], [42, 'X', false, true, 7]);
    assert.deepEqual([opened, exchange.frozenUntil()], [1, 99]);
    await assert.rejects(exchange.depthSnapshot('X', 5), { code: 'timeout' });
  });

  test('that was never asked has nothing to close', async () => {
    await lazyExchange('binance', () => assert.fail('opened')).close();
  });
});
