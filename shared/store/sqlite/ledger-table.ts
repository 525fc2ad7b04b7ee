import type { LedgerMonth } from '../../domain/coverage.ts';
import type { Database } from './database.ts';
import type { SeriesCatalog } from './series-catalog.ts';

/** The ledger: one line per series and month in `coverage`, its absences with their evidence beside it in `coverage_evidence`. */
export class Ledger {
  readonly #database: Database;
  readonly #catalog: SeriesCatalog;

  constructor(database: Database, catalog: SeriesCatalog) {
    this.#database = database;
    this.#catalog = catalog;
  }

  /** Months from `first` to `last` (`2024-08`, both inclusive), oldest first. */
  read({
    series,
    first = '',
    last = '9999-99',
  }: {
    readonly series: string;
    readonly first?: string;
    readonly last?: string;
  }): LedgerMonth[] {
    const entry = this.#catalog.find(series);
    if (entry === undefined) return [];
    return this.#database
      .statement(
        `SELECT month, rev, coverage.document AS document, coverage_evidence.document AS evidence
         FROM coverage LEFT JOIN coverage_evidence USING (series, month) WHERE series = ? AND month BETWEEN ? AND ? ORDER BY month`,
      )
      .all(entry.id, first, last)
      .map((stored) => ({
        series,
        month: stored.month as string,
        rev: stored.rev as number,
        ...(JSON.parse(stored.document as string) as Pick<LedgerMonth, 'covered' | 'open'>),
        absent: stored.evidence === null ? [] : (JSON.parse(stored.evidence as string) as LedgerMonth['absent']),
      }));
  }

  /** Inside a write: true and written where every `rev` is the stored one, else false and nothing written. */
  write(months: readonly LedgerMonth[]): boolean {
    const stored = this.#database.statement('SELECT rev FROM coverage WHERE series = ? AND month = ?');
    const lines = months.map((month) => ({ ...month, id: this.#catalog.ensure(month.series).id }));
    if (lines.some(({ id, month, rev }) => (stored.get(id, month)?.rev ?? 0) !== rev)) return false;
    const put = this.#database.statement('INSERT OR REPLACE INTO coverage (series, month, rev, document) VALUES (?, ?, ?, ?)');
    const putEvidence = this.#database.statement('INSERT OR REPLACE INTO coverage_evidence (series, month, document) VALUES (?, ?, ?)');
    const dropEvidence = this.#database.statement('DELETE FROM coverage_evidence WHERE series = ? AND month = ?');
    for (const { id, month, rev, covered, absent, open } of lines) {
      put.run(id, month, rev + 1, JSON.stringify({ covered, open }));
      if (absent.length > 0) putEvidence.run(id, month, JSON.stringify(absent));
      else dropEvidence.run(id, month);
    }
    return true;
  }
}
