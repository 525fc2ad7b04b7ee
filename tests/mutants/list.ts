/** A defect to plant: `find` stands exactly once in `file` and becomes `replace`; `tests` must turn red. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  readonly tests: readonly string[];
  /** Only tests whose name matches. */
  readonly pattern?: string;
}

/** Guards of the platform, each taken away once: the defects of other systems planted again. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'an open candle proves its bucket',
    file: 'shared/domain/proof.ts',
    find: 'row.is_closed && row.close_time',
    replace: 'row.close_time',
    tests: ['tests/domain/proof.test.ts'],
  },
  {
    name: 'ranges of trades join because they touch in time',
    file: 'shared/domain/range.ts',
    find: 'if (b.from_id > a.to_id + 1) return undefined;',
    replace: 'if (b.from_id > a.to_id + 1 && b.from > a.to) return undefined;',
    tests: ['tests/domain/range.test.ts', 'tests/domain/ledger.test.ts'],
  },
];
