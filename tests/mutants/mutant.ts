/** A defect to plant: `find` stands exactly once in `file` and becomes `replace`; `tests` must turn red. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  readonly tests: readonly string[];
  /** Only tests whose name matches. */
  readonly pattern?: string;
  /** Set for the tests, beside the caller's own environment. */
  readonly env?: Readonly<Record<string, string>>;
}
