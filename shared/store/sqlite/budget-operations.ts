import type { Database } from './database.ts';
import { read, write } from './operation.ts';

/** What the worker does for request budgets: one document for each exchange. */
export function createBudgetOperations(database: Database) {
  const sql = (text: string) => database.statement(text);

  return {
    readBudget: read((exchange: string): { readonly rev: number; readonly document: string } | undefined => {
      const line = sql('SELECT rev, document FROM request_budget WHERE exchange = ?').get(exchange);
      return line === undefined ? undefined : { rev: line.rev as number, document: line.document as string };
    }),

    writeBudget: write((args: { readonly exchange: string; readonly rev: number; readonly document: string }): boolean => {
      const { exchange, rev, document } = args;
      const statement =
        rev === 0
          ? sql('INSERT INTO request_budget (rev, document, exchange) VALUES (?, ?, ?) ON CONFLICT DO NOTHING')
          : sql('UPDATE request_budget SET rev = ?, document = ? WHERE exchange = ? AND rev = ?');
      return statement.run(rev + 1, document, exchange, ...(rev === 0 ? [] : [rev])).changes === 1;
    }),
  };
}
