import type { LedgerMonth } from '../../domain/coverage.ts';
import { AppError } from '../../domain/errors.ts';
import { monthOf } from '../../domain/ledger.ts';
import type { SeriesRange, TimeRange } from '../../domain/range.ts';
import { checkRow } from '../../domain/row-check.ts';
import { readRowsText } from '../../domain/row-json.ts';
import type { Quote, Row, Ticker } from '../../domain/rows.ts';
import { parseSeriesId, type Series, seriesId } from '../../domain/series.ts';
import type { MarketStore, ProofClaim, Provenance, RangeProof, RowQuery, SeriesSummary, UpsertOutcome } from '../market-store.ts';
import type { ArangoPort } from './arango-port.ts';
import { documentKey } from './document-key.ts';
import { LedgerDocuments } from './ledger-documents.ts';
import { RowReader } from './row-reads.ts';
import { DESCRIBE_ROWS, FIND_SERIES, LIST_SERIES, READ_LATEST } from './row-statements.ts';
import { RowWriter } from './row-writes.ts';
import { checkKeys, collectionOf, latestCollectionOf, orderOf, styleOf } from './series-rows.ts';
import { Turns } from './turns.ts';

/** Most rows of one upsert. */
const MOST_ROWS = 5_000;
/**
 * Upserts that are made ready and sent at once; more wait as they came. Rows are objects, documents and JSON meanwhile: a sink that has a batch of each of
 * twelve partitions in hand would have all of them in memory so (measured with events of 15 KB: 95 MB more, and no faster).
 */
const WRITES_AT_ONCE = 8;
const NOTHING: UpsertOutcome = { written: 0, unchanged: 0, conflicts: [] };

/** What a description answers: `null` where there is no row. */
interface Described {
  readonly series: string;
  readonly rows: number;
  readonly first: { readonly key: string; readonly time: number } | null;
  readonly last: { readonly key: string; readonly time: number } | null;
}

/** The market store on ArangoDB: a document a row, under its store key. */
export class ArangoMarketStore implements MarketStore {
  readonly #port: ArangoPort;
  readonly #writer: RowWriter;
  readonly #reader: RowReader;
  readonly #ledger: LedgerDocuments;
  readonly #writes = new Turns(WRITES_AT_ONCE);

  constructor(port: ArangoPort) {
    this.#port = port;
    this.#writer = new RowWriter(port.client);
    this.#reader = new RowReader(port);
    this.#ledger = new LedgerDocuments(port);
  }

  async upsertRows(series: Series, rows: readonly Row[], provenance: Provenance): Promise<UpsertOutcome> {
    if (rows.length > MOST_ROWS) throw new AppError('invalid_request', `An upsert takes at most ${MOST_ROWS} rows, not ${rows.length}.`);
    if (rows.length === 0) return NOTHING;
    checkKeys(series, rows);
    return this.#inTurn(series, () => this.#writer.upsert(series, rows, provenance));
  }

  async upsertText(series: Series, text: Uint8Array, mostRows: number, provenance: Provenance): Promise<UpsertOutcome | undefined> {
    return this.#inTurn(series, async () => {
      const rows = readRowsText(series.kind, text);
      if (rows === undefined || rows.length > Math.min(mostRows, MOST_ROWS)) return undefined;
      if (!rows.every((row) => checkRow(series, row) === undefined)) return undefined;
      if (rows.length === 0) return NOTHING;
      checkKeys(series, rows);
      return this.#writer.upsert(series, rows, provenance);
    });
  }

  readRows(series: Series, query: RowQuery = {}, signal?: AbortSignal): AsyncIterable<readonly Row[]> {
    return this.#reader.read(series, query, signal);
  }

  async countRows(series: Series, range: Partial<SeriesRange> = {}): Promise<number> {
    return this.#reader.count(series, range);
  }

  async proveRange(series: Series, claim: ProofClaim, signal?: AbortSignal): Promise<RangeProof> {
    return this.#reader.prove(series, claim, signal);
  }

  async deleteRows(series: Series, range: Partial<SeriesRange>): Promise<number> {
    return this.#reader.remove(series, range);
  }

  async listSeries(): Promise<readonly SeriesSummary[]> {
    const names = await this.#port.query<string>('listing series', LIST_SERIES);
    const groups = Map.groupBy(names.map(parseSeriesId), (series) => `${styleOf(series)} ${collectionOf(series)}`);
    const summaries = await Promise.all([...groups.values()].map((group) => this.#describe(group)));
    const byName = new Map(summaries.flat().map((summary) => [summary.series, summary]));
    return names.flatMap((name) => byName.get(name) ?? []);
  }

  async describeSeries(series: Series): Promise<SeriesSummary | undefined> {
    const name = seriesId(series);
    const [known] = await this.#port.query<string>(`describing ${name}`, FIND_SERIES, { key: documentKey(name) });
    return known === undefined ? undefined : (await this.#describe([series]))[0];
  }

  async readLatest(series: Series): Promise<Quote | Ticker | undefined> {
    const latest = latestCollectionOf(series);
    if (latest === undefined) return undefined;
    const name = seriesId(series);
    const bind = { '@latest': latest, key: documentKey(name) };
    return (await this.#port.query<Quote | Ticker>(`reading the latest of ${name}`, READ_LATEST, bind))[0];
  }

  async readLedger(series: Series, range: Partial<TimeRange> = {}): Promise<readonly LedgerMonth[]> {
    const first = range.from === undefined ? undefined : monthOf(range.from);
    const last = range.to === undefined ? undefined : monthOf(Math.max(range.to - 1, range.from ?? 0));
    return this.#ledger.read(seriesId(series), first, last);
  }

  async writeLedger(months: readonly LedgerMonth[]): Promise<boolean> {
    return months.length === 0 || this.#ledger.write(months);
  }

  async close(): Promise<void> {
    await this.#port.close();
  }

  #inTurn<Outcome>(series: Series, write: () => Promise<Outcome>): Promise<Outcome> {
    return this.#port.whole(`writing rows of ${seriesId(series)}`, async () => {
      await this.#writes.enter(undefined);
      try {
        return await write();
      } finally {
        this.#writes.leave();
      }
    });
  }

  /** Series that are kept in one way in one collection, at least one of them. */
  async #describe(group: readonly Series[]): Promise<readonly SeriesSummary[]> {
    const one = group[0] as Series;
    const style = styleOf(one);
    const bind = {
      names: group.map(seriesId),
      ...(style === 'candles' ? {} : { '@rows': collectionOf(one) }),
      ...(style === 'texts' ? orderOf(one) : {}),
    };
    const described = await this.#port.query<Described>(`describing ${style} of ${group.length} series`, DESCRIBE_ROWS[style], bind);
    return described.map(({ series, rows, first, last }) => ({
      series,
      rows,
      ...(first === null || last === null ? {} : { first, last }),
    }));
  }
}
