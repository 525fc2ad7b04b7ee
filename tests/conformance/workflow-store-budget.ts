import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BudgetDocument } from '../../shared/domain/request-budget.ts';
import type { ExchangeName } from '../../shared/domain/series.ts';
import type { WorkflowSuite } from './workflow-store.ts';

/** A name that no other test uses: to the store it is a key. */
const exchangeFor = (suite: WorkflowSuite): ExchangeName => suite.fresh('exchange') as ExchangeName;

function aBudget(exchange: ExchangeName, over: Partial<BudgetDocument> = {}): BudgetDocument {
  return {
    ...{ exchange, minute: 28_707_840, limit: 6_000, granted: 412, frozen_until: 1_722_470_460_000, frozen_by: '429 "Ü"', rev: 0 },
    workflows: { '': { granted: 12, asked: 28_707_840 }, 'wf-btcusdt-api_trades-20240801-a1b2c3': { granted: 400, asked: 28_707_840 } },
    ...over,
  };
}

/** Part of the suite: the request budgets of exchanges. */
export function describeBudget(suite: WorkflowSuite): void {
  test('a request budget comes back as it was written, with its rev, and outlives the process', async () => {
    const exchange = exchangeFor(suite);
    const budget = aBudget(exchange);

    assert.equal(await suite.workflows.readBudget(exchange), undefined);
    assert.equal(await suite.workflows.writeBudget(budget, 0), true);

    assert.deepEqual(await suite.workflows.readBudget(exchange), { ...budget, rev: 1 });
    const reopened = await suite.place.open();
    assert.deepEqual(await reopened.workflows.readBudget(exchange), { ...budget, rev: 1 });
    await reopened.close();
    assert.equal(await suite.workflows.readBudget(exchangeFor(suite)), undefined);
  });

  test('a request budget is written under its rev alone, also one that is not stored yet', async () => {
    const exchange = exchangeFor(suite);
    const budget = aBudget(exchange);

    assert.equal(await suite.workflows.writeBudget(budget, 1), false, 'nothing is stored that could have a rev');
    assert.equal(await suite.workflows.writeBudget(budget, 0), true);
    assert.equal(await suite.workflows.writeBudget({ ...budget, granted: 500 }, 0), false);
    assert.equal(
      await suite.workflows.writeBudget({ ...budget, granted: 600, rev: 7 }, 1),
      true,
      'the rev given counts, not the one inside',
    );
    assert.equal(await suite.workflows.writeBudget({ ...budget, granted: 700 }, 1), false);

    assert.deepEqual(await suite.workflows.readBudget(exchange), { ...budget, granted: 600, rev: 2 });
  });

  test('of many that write a request budget at once, also from two processes, one does at each rev', async () => {
    const other = await suite.place.open();
    const exchange = exchangeFor(suite);
    const stores = [suite.workflows, other.workflows];

    for (let rev = 0; rev < 3; rev += 1) {
      const written = await Promise.all(
        Array.from({ length: 20 }, (_, nth) => stores[nth % 2]?.writeBudget(aBudget(exchange, { granted: 100 * rev + nth }), rev)),
      );

      assert.equal(written.filter(Boolean).length, 1);
      const stored = await suite.workflows.readBudget(exchange);
      assert.deepEqual([stored?.rev, stored?.granted], [rev + 1, 100 * rev + written.indexOf(true)]);
    }
    await other.close();
  });

  test('dropping the workflows leaves the request budgets', async () => {
    const exchange = exchangeFor(suite);
    await suite.workflows.writeBudget(aBudget(exchange), 0);

    await suite.workflows.dropWorkflows();

    assert.equal((await suite.workflows.readBudget(exchange))?.rev, 1);
  });
}
