import type { LedgerMonth } from '../../domain/coverage.ts';
import { createProver, type ProofClaim, type RangeProof } from '../../domain/proof.ts';
import { checkRow } from '../../domain/row-check.ts';
import { readRowsText } from '../../domain/row-json.ts';
import { rowKey } from '../../domain/row-key.ts';
import { parseSeriesId } from '../../domain/series.ts';
import type { Provenance, SeriesSummary, UpsertOutcome } from '../market-store.ts';
import type { Database } from './database.ts';
import { IntegerRows } from './integer-rows.ts';
import { Ledger } from './ledger-table.ts';
import { bulk, read, steps, write } from './operation.ts';
import { encodeRows, type RecordBatch, recordCodec } from './records/record-codec.ts';
import type { Position, RowBounds, RowPage, RowTable } from './row-table.ts';
import type { SeriesCatalog, SeriesEntry } from './series-catalog.ts';
import { TextRows } from './text-rows.ts';

const PAGE_ROWS = 5_000;
/** A row of depth may hold thousands of levels. */
const PAGE_DEPTH_ROWS = 100;
/** Keys counted in one step: about 5 ms. */
const COUNT_KEYS = 100_000;

/** What the worker does for the market store. Series are named by their ids. */
export function createMarketOperations(database: Database, catalog: SeriesCatalog) {
  const integerRows = new IntegerRows(database);
  const textRows = new TextRows(database);
  const ledger = new Ledger(database, catalog);
  const tableOf = (entry: SeriesEntry): RowTable => (entry.keyedBy === 'text' ? textRows : integerRows);

  /** Every page of the rows inside the bounds. */
  function* pages(entry: SeriesEntry, bounds: RowBounds): Generator<RowPage> {
    let after: Position | undefined;
    do {
      const page = tableOf(entry).page(entry, bounds, after, pageRows(entry));
      yield page;
      after = page.next;
    } while (after !== undefined);
  }

  function describe(entry: SeriesEntry): SeriesSummary {
    const [first, last] = (['first', 'last'] as const).map((which) => {
      const record = tableOf(entry).edge(entry, which);
      if (record === undefined) return undefined;
      return { key: rowKey(entry.series, entry.codec.decode(record, 0)), time: record[entry.codec.timeSlot] as number };
    });
    const summary = { series: entry.name, rows: catalog.countRows(entry) };
    return first === undefined || last === undefined ? summary : { ...summary, first, last };
  }

  function upsert(series: string, batch: RecordBatch): UpsertOutcome {
    const entry = catalog.ensure(series);
    const { added, ...outcome } = tableOf(entry).upsert(entry, batch);
    if (added > 0) catalog.addRows(entry, added);
    return outcome;
  }

  let scratch = new Float64Array(0);
  /** One buffer for all batches that are laid out here: they are written one after the other. */
  function takeScratch(length: number): Float64Array<ArrayBuffer> {
    if (scratch.length < length) scratch = new Float64Array(length);
    return scratch.subarray(0, length);
  }

  return {
    /** The batch's buffer goes back with the outcome. */
    upsertRows: bulk((args: { readonly series: string; readonly batch: RecordBatch }) => ({
      outcome: upsert(args.series, args.batch),
      slots: args.batch.slots,
    })),

    /** The first `bytes` bytes of the buffer are the rows' JSON; it goes back with the outcome. */
    upsertText: bulk(
      (args: {
        readonly series: string;
        readonly slots: Float64Array<ArrayBuffer>;
        readonly bytes: number;
        readonly mostRows: number;
        readonly provenance: Provenance;
      }): { readonly outcome: UpsertOutcome | undefined; readonly slots: Float64Array<ArrayBuffer> } => {
        const { slots, bytes, mostRows, provenance } = args;
        const series = parseSeriesId(args.series);
        const rows = readRowsText(series.kind, new Uint8Array(slots.buffer, 0, bytes));
        const isUsual = rows !== undefined && rows.length <= mostRows && rows.every((row) => checkRow(series, row) === undefined);
        if (!isUsual) return { outcome: undefined, slots };
        return { outcome: upsert(args.series, encodeRows(recordCodec(series), rows, provenance, takeScratch)), slots };
      },
    ),

    readPage: read(
      (args: {
        readonly series: string;
        readonly bounds: RowBounds;
        readonly after: Position | string | undefined;
        readonly limit: number;
      }): RowPage => {
        const entry = catalog.find(args.series);
        if (entry === undefined) return { slots: new Float64Array(0), count: 0, next: undefined };
        const after = typeof args.after === 'string' ? tableOf(entry).positionOf(entry, args.after) : args.after;
        return tableOf(entry).page(entry, args.bounds, after, Math.min(args.limit, pageRows(entry)));
      },
    ),

    countRows: steps(function* (args: { readonly series: string; readonly bounds: RowBounds }): Generator<void, number, void> {
      const entry = catalog.find(args.series);
      if (entry === undefined) return 0;
      let count = 0;
      if (isExact(entry, args.bounds)) {
        const range = integerRows.keys.within(entry, args.bounds);
        for (let first = range?.first; range !== undefined && first !== undefined; ) {
          const counted = integerRows.keys.count(entry, { first, last: range.last }, COUNT_KEYS);
          count += counted.count;
          first = counted.count < COUNT_KEYS ? undefined : counted.last + 1;
          yield;
        }
        return count;
      }
      for (const page of pages(entry, args.bounds)) {
        count += page.count;
        yield;
      }
      return count;
    }),

    proveRange: steps(function* (args: { readonly series: string; readonly claim: ProofClaim }): Generator<void, RangeProof, void> {
      const prover = createProver(parseSeriesId(args.series), args.claim);
      const entry = catalog.find(args.series);
      if (entry === undefined) return prover.finish();
      const { from, to, from_id, to_id } = args.claim;
      const range = entry.keyedBy === 'id' ? { first: from_id as number, last: to_id as number } : { first: from, last: to - 1 };
      for (let first: number | undefined = range.first; first !== undefined; ) {
        const last = integerRows.keys.showMarks(entry, { first, last: range.last }, PAGE_ROWS, (mark) => prover.add(mark));
        first = last === undefined ? undefined : last + 1;
        yield;
      }
      return prover.finish();
    }),

    /** Deletes at most a page of rows; 0 when none is left inside the bounds. */
    deletePage: write((args: { readonly series: string; readonly bounds: RowBounds }): number => {
      const entry = catalog.find(args.series);
      if (entry === undefined) return 0;
      for (const page of pages(entry, args.bounds)) {
        if (page.count === 0) continue;
        catalog.addRows(entry, -tableOf(entry).remove(entry, page));
        return page.count;
      }
      return 0;
    }),

    listSeries: steps(function* (): Generator<void, SeriesSummary[], void> {
      const summaries: SeriesSummary[] = [];
      for (const name of catalog.names()) {
        const entry = catalog.find(name);
        if (entry !== undefined) summaries.push(describe(entry));
        yield;
      }
      return summaries;
    }),

    describeSeries: read((args: { readonly series: string }): SeriesSummary | undefined => {
      const entry = catalog.find(args.series);
      return entry === undefined ? undefined : describe(entry);
    }),

    readLatest: read((args: { readonly series: string }): Float64Array<ArrayBuffer> | undefined => {
      const entry = catalog.find(args.series);
      return entry === undefined ? undefined : textRows.latest(entry);
    }),

    readLedger: read((args: { readonly series: string; readonly first?: string; readonly last?: string }) => ledger.read(args)),
    writeLedger: write((args: { readonly months: readonly LedgerMonth[] }): boolean => ledger.write(args.months)),
  };
}

/** True where the bounds name keys alone, so that keys can be counted without a look at their rows. */
function isExact(entry: SeriesEntry, bounds: RowBounds): boolean {
  return entry.keyedBy === 'open-time' || (entry.keyedBy === 'id' && bounds.from === undefined && bounds.to === undefined);
}

function pageRows(entry: SeriesEntry): number {
  return entry.table === 'depth' ? PAGE_DEPTH_ROWS : PAGE_ROWS;
}
