import type { LedgerMonth } from '../../domain/coverage.ts';
import type { ArangoPort } from './arango-port.ts';
import { documentKey } from './document-key.ts';

const READ_LEDGER = `
  FOR month IN coverage
    FILTER month.series == @series AND month.month >= @first AND month.month <= @last
    SORT month.month
    RETURN { series: month.series, month: month.month, rev: month.rev, covered: month.covered, open: month.open,
      absent: NOT_NULL(FIRST(FOR evidence IN coverage_evidence FILTER evidence._key == month._key RETURN evidence.absent), []) }`;

/** All months or none: what is written at once by another is a conflict of the whole statement, which then meets a stale `rev`. */
const WRITE_LEDGER = `
  LET stale = (FOR month IN @months
    LET stored = FIRST(FOR known IN coverage FILTER known._key == month._key RETURN known.rev)
    FILTER NOT_NULL(stored, 0) != month.rev - 1
    RETURN 1)
  LET months = (FOR month IN LENGTH(stale) == 0 ? @months : []
    INSERT month INTO coverage OPTIONS { overwriteMode: "replace", waitForSync: true }
    RETURN 1)
  LET evidence = (FOR absences IN LENGTH(stale) == 0 ? @evidence : []
    INSERT absences INTO coverage_evidence OPTIONS { overwriteMode: "replace", waitForSync: true }
    RETURN 1)
  RETURN LENGTH(stale) == 0`;

/** The ledger: one document per series and month in `coverage`, its absences with their evidence in `coverage_evidence`. */
export class LedgerDocuments {
  readonly #port: ArangoPort;

  constructor(port: ArangoPort) {
    this.#port = port;
  }

  /** Months from `first` to `last` (`2024-08`, both inclusive), oldest first. */
  async read(series: string, first = '', last = '9999-99'): Promise<readonly LedgerMonth[]> {
    return this.#port.query<LedgerMonth>(`reading the ledger of ${series}`, READ_LEDGER, { series, first, last });
  }

  async write(months: readonly LedgerMonth[]): Promise<boolean> {
    const keyed = months.map((month) => ({ _key: documentKey(`${month.series}:${month.month}`), ...month }));
    return this.#port.one<boolean>(
      `writing the ledger of ${months[0]?.series}`,
      WRITE_LEDGER,
      {
        months: keyed.map(({ _key, series, month, rev, covered, open }) => ({ _key, series, month, rev: rev + 1, covered, open })),
        evidence: keyed.map(({ _key, series, month, absent }) => ({ _key, series, month, absent })),
      },
      { retryDuplicates: true },
    );
  }
}
