import { type Meaning, objectsOf, textOf } from '../aql.ts';
import type { Attributes } from '../collection.ts';
import { exactJson } from '../exact-json.ts';

/** Queries of the ledger, of request budgets and of the schema's version. */
export const LEDGER_QUERIES: readonly Meaning[] = [
  {
    text: `
      FOR month IN coverage
        FILTER month.series == @series AND month.month >= @first AND month.month <= @last
        SORT month.month
        RETURN { series: month.series, month: month.month, rev: month.rev, covered: month.covered, open: month.open,
          absent: NOT_NULL(FIRST(FOR evidence IN coverage_evidence FILTER evidence._key == month._key RETURN evidence.absent), []) }`,
    run(database, bind) {
      const evidence = database.collection('coverage_evidence');
      const bounds = [textOf(bind, 'series'), textOf(bind, 'first'), textOf(bind, 'last')];
      return database
        .collection('coverage')
        .find('series = ? AND month BETWEEN ? AND ? ORDER BY month', ...bounds)
        .map(({ _key, attributes: { series, month, rev, covered, open } }) =>
          exactJson({ series, month, rev, covered, open, absent: evidence.get(_key)?.attributes.absent ?? [] }),
        );
    },
  },
  {
    text: `
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
      RETURN LENGTH(stale) == 0`,
    run(database, bind) {
      const coverage = database.collection('coverage');
      const months = objectsOf(bind, 'months');
      const evidence = objectsOf(bind, 'evidence');
      const isStale = months.some(({ _key, rev }) => (coverage.get(_key as string)?.attributes.rev ?? 0) !== (rev as number) - 1);
      if (isStale) return ['false'];
      for (const month of months) coverage.put(month);
      for (const absences of evidence) database.collection('coverage_evidence').put(absences);
      return ['true'];
    },
  },
  {
    text: `
      LET stored = FIRST(FOR budget IN request_budget FILTER budget._key == @document._key RETURN budget.rev)
      FOR document IN NOT_NULL(stored, 0) == @rev ? [@document] : []
        INSERT document INTO request_budget OPTIONS { overwriteMode: "replace", waitForSync: true }
        RETURN 1`,
    run(database, bind) {
      const budgets = database.collection('request_budget');
      const document = bind.document as Attributes;
      if ((budgets.get(document._key as string)?.attributes.rev ?? 0) !== bind.rev) return [];
      budgets.put(document);
      return ['1'];
    },
  },
  {
    text: 'FOR entry IN schema_version FILTER entry._key == "store" RETURN entry.version',
    run(database) {
      const stored = database.collection('schema_version').get('store');
      return stored === undefined ? [] : [JSON.stringify(stored.attributes.version)];
    },
  },
  {
    text: 'INSERT { _key: "store", version: @version } INTO schema_version OPTIONS { overwriteMode: "ignore", waitForSync: true }',
    run(database, bind) {
      const versions = database.collection('schema_version');
      if (versions.get('store') === undefined) versions.insert({ _key: 'store', version: bind.version });
      return [];
    },
  },
];
