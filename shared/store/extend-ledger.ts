import type { LedgerAddition, LedgerMonth } from '../domain/coverage.ts';
import { AppError } from '../domain/errors.ts';
import { emptyMonth, extendMonth, sameMonth, splitByMonth } from '../domain/ledger.ts';
import { type Series, seriesId } from '../domain/series.ts';
import type { MarketStore } from './market-store.ts';

/** Rounds of compare-and-set before giving up: each lost round means that another writer's addition got in. */
const MOST_ROUNDS = 100;

/**
 * Joins an addition into the ledger under compare-and-set: another writer's addition is never lost, the same one twice changes nothing.
 * `known`, months that were read a moment ago, spares the first round its read. Throws `store_unavailable` where it loses every round.
 */
export async function extendLedger(
  store: MarketStore,
  series: Series,
  addition: LedgerAddition,
  known?: readonly LedgerMonth[],
): Promise<void> {
  const parts = splitByMonth(addition);
  if (parts.size === 0) return;
  const names = [...parts.keys()].sort();
  const bounds = { from: Date.parse(`${names[0]}-01T00:00:00Z`), to: Date.parse(`${names.at(-1)}-01T00:00:00Z`) + 1 };
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const months = round === 0 && known !== undefined ? known : await store.readLedger(series, bounds);
    const stored = new Map(months.map((month) => [month.month, month]));
    const changed: LedgerMonth[] = [];
    for (const [name, part] of parts) {
      const before = stored.get(name) ?? emptyMonth(series, name);
      const after = extendMonth(before, part);
      if (!sameMonth(before, after)) changed.push(after);
    }
    if (changed.length === 0 || (await store.writeLedger(changed))) return;
  }
  throw new AppError(
    'store_unavailable',
    `The ledger of ${seriesId(series)} was changed by others ${MOST_ROUNDS} times in a row; try again.`,
  );
}
