import type { BudgetDocument } from '../../domain/request-budget.ts';
import type { ExchangeName } from '../../domain/series.ts';
import type { ArangoPort } from './arango-port.ts';
import { documentKey } from './document-key.ts';
import { READ_DOCUMENT } from './workflow-statements.ts';

const WRITE_BUDGET = `
  LET stored = FIRST(FOR budget IN request_budget FILTER budget._key == @document._key RETURN budget.rev)
  FOR document IN NOT_NULL(stored, 0) == @rev ? [@document] : []
    INSERT document INTO request_budget OPTIONS { overwriteMode: "replace", waitForSync: true }
    RETURN 1`;

/** A budget as it is stored: the shares of workflows as a list, since one of them has the empty name, which no attribute should have. */
type StoredBudget = Omit<BudgetDocument, 'workflows'> & { readonly workflows: readonly [string, BudgetDocument['workflows'][string]][] };

/** The request budgets of exchanges, under compare-and-set. */
export class BudgetDocuments {
  readonly #port: ArangoPort;

  constructor(port: ArangoPort) {
    this.#port = port;
  }

  async read(exchange: ExchangeName): Promise<BudgetDocument | undefined> {
    const bind = { '@collection': 'request_budget', key: documentKey(exchange) };
    const [stored] = await this.#port.query<StoredBudget>(`reading the budget of ${exchange}`, READ_DOCUMENT, bind);
    return stored === undefined ? undefined : { ...stored, workflows: Object.fromEntries(stored.workflows) };
  }

  async write(document: BudgetDocument, rev: number): Promise<boolean> {
    const { exchange } = document;
    const stored = { _key: documentKey(exchange), ...document, rev: rev + 1, workflows: Object.entries(document.workflows) };
    const bind = { document: stored, rev };
    return (await this.#port.query(`writing the budget of ${exchange}`, WRITE_BUDGET, bind, { retryDuplicates: true })).length === 1;
  }
}
