import type { BudgetDemand, BudgetDocument, BudgetFreeze, BudgetGrant } from '../domain/request-budget.ts';

/**
 * The request weight of one address, shared by every process behind it. All times are the exchange's own. Errors: `store_unavailable`: what it says is
 * not known then, and no request may leave.
 */
export interface RequestBudget {
  /** The document as it is stored now; undefined where nobody has used the budget yet. */
  read(signal?: AbortSignal): Promise<BudgetDocument | undefined>;
  /** Leases weight of the running minute. The document that comes along is the stored one. A lease ends with its minute. */
  lease(demand: BudgetDemand, signal?: AbortSignal): Promise<BudgetGrant>;
  /** Stops everybody. Resolves when it is durable. */
  freeze(freeze: BudgetFreeze, signal?: AbortSignal): Promise<BudgetDocument>;
}
