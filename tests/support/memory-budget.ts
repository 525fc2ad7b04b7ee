import type { BudgetDocument } from '../../shared/domain/request-budget.ts';
import type { WorkflowStore } from '../../shared/store/workflow-store.ts';

/** The budgets of a store without the store: for tests that count its calls, hold them up or make them fail. */
export interface MemoryBudget extends Pick<WorkflowStore, 'readBudget' | 'writeBudget'> {
  stored: BudgetDocument | undefined;
  readonly calls: { reads: number; writes: number };
  /** Runs before every call; a throw is the call's. */
  before: (call: 'read' | 'write') => Promise<void> | void;
}

export function createMemoryBudget(stored?: BudgetDocument): MemoryBudget {
  const memory: MemoryBudget = {
    stored,
    calls: { reads: 0, writes: 0 },
    before: () => undefined,
    async readBudget() {
      memory.calls.reads += 1;
      await memory.before('read');
      return memory.stored;
    },
    async writeBudget(document, rev) {
      memory.calls.writes += 1;
      await memory.before('write');
      if ((memory.stored?.rev ?? 0) !== rev) return false;
      memory.stored = { ...document, rev: rev + 1 };
      return true;
    },
  };
  return memory;
}
