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
  {
    name: 'a late candle replaces a better one in the store',
    file: 'shared/store/sqlite/integer-rows.ts',
    find: 'if (compareCandles(after, before) <= 0) return undefined;',
    replace: '',
    tests: ['tests/store/sqlite/market-store.test.ts'],
    pattern: 'case 61',
  },
  {
    name: 'a changed trade replaces the first one',
    file: 'shared/store/sqlite/integer-rows.ts',
    find: "if (entry.keyedBy === 'id') {",
    replace: 'if (false) {',
    tests: ['tests/store/sqlite/market-store.test.ts'],
    pattern: 'is a conflict',
  },
  {
    name: 'the revision of a candle counts while it is open',
    file: 'shared/store/sqlite/integer-rows.ts',
    find: 'changes && before.row.is_closed ? 1 : 0',
    replace: 'changes ? 1 : 0',
    tests: ['tests/store/sqlite/market-store.test.ts'],
    pattern: 'revision counts',
  },
  {
    name: 'a read by time takes the row at its end',
    file: 'shared/store/sqlite/integer-rows.ts',
    find: 'if (time >= from && time < to) {',
    replace: 'if (time >= from && time <= to) {',
    tests: ['tests/store/sqlite/market-store.test.ts'],
    pattern: 'case 4',
  },
  {
    name: 'a proof looks at one page of rows',
    file: 'shared/store/sqlite/integer-keys.ts',
    find: 'return slots.length < limit * stride ? undefined : slots[slots.length - stride];',
    replace: 'return undefined;',
    tests: ['tests/store/sqlite/market-store.test.ts'],
    pattern: 'case 63',
  },
  {
    name: 'the newest quote is the last that came',
    file: 'shared/store/sqlite/text-rows.ts',
    find: 'WHERE (excluded.update_id, excluded.time, excluded.key) > (update_id, time, key)',
    replace: '',
    tests: ['tests/store/sqlite/market-store.test.ts'],
    pattern: 'latest quote',
  },
  {
    name: 'the ledger is written without compare-and-set',
    file: 'shared/store/sqlite/ledger-table.ts',
    find: 'if (lines.some(({ id, month, rev }) => (stored.get(id, month)?.rev ?? 0) !== rev)) return false;',
    replace: '',
    tests: ['tests/store/sqlite/market-store.test.ts'],
    pattern: 'all or none|race',
  },
  {
    name: 'a write is acknowledged before its commit',
    file: 'shared/store/sqlite/scheduler.ts',
    find: 'done.push({ job, value: job.operation.run(job.args) });',
    replace: 'const value = job.operation.run(job.args); job.resolve(value); done.push({ job, value });',
    tests: ['tests/store/sqlite/scheduler.test.ts'],
  },
  {
    name: 'a failing write takes its neighbours along',
    file: 'shared/store/sqlite/scheduler.ts',
    find: ': group.map((job) => this.#writeAlone(job));',
    replace: ': group.map((job) => ({ job, error }));',
    tests: ['tests/store/sqlite/scheduler.test.ts'],
  },
  {
    name: 'a workflow is committed under a stale rev',
    file: 'shared/store/sqlite/workflow-operations.ts',
    find: 'if (!changes.every(({ workflow }) => hasRev(workflow))) return false;',
    replace: '',
    tests: ['tests/store/sqlite/workflow-store.test.ts'],
    pattern: 'all or none|race',
  },
  {
    name: 'a claim that is done becomes free again',
    file: 'shared/store/sqlite/claim-operations.ts',
    find: '(held.done || (held.until > now && held.token !== token))',
    replace: '(held.until > now && held.token !== token)',
    tests: ['tests/store/sqlite/workflow-store.test.ts'],
    pattern: 'a done one never again',
  },
  {
    name: 'a graph can be read before it is whole',
    file: 'shared/store/sqlite/graph-operations.ts',
    find: 'if (nodes === document.node_count && wrong.length === 0) return;',
    replace: 'return;',
    tests: ['tests/store/sqlite/graph-store.test.ts'],
    pattern: 'other counts',
  },
  {
    name: 'an object is written in its place',
    file: 'shared/objects/folder/folder-object-store.ts',
    find: 'await writeSynced(temporary, body);',
    replace:
      "await makeFolder(dirname(target)); await (await import('node:fs/promises')).writeFile(target, body); await writeSynced(temporary, body);",
    tests: ['tests/objects/folder/object-store.test.ts'],
    pattern: 'never a half',
  },
  {
    name: 'an object key leaves its folder',
    file: 'shared/objects/folder/folder-object-store.ts',
    find: " && segment !== '.' && segment !== '..'",
    replace: '',
    tests: ['tests/objects/folder/object-store.test.ts'],
    pattern: 'refused',
  },
];
