import { rowKey } from '../../domain/row-key.ts';
import type { Row } from '../../domain/rows.ts';
import { type Series, seriesId } from '../../domain/series.ts';
import type { Provenance, UpsertOutcome } from '../market-store.ts';
import type { ArangoClient } from './arango-client.ts';
import { documentKey } from './document-key.ts';
import { jsonText } from './json-text.ts';
import { KEEP_LATEST, READ_BACK, REMEMBER_SERIES, UPSERT_CANDLES } from './row-statements.ts';
import { collectionOf, latestCollectionOf, positionOf, type RowDocument, styleOf, toDocument } from './series-rows.ts';

/** What the server adds to a document. */
const ADDED = new Set(['_id', '_rev']);
const CREATE = { retryDuplicates: true } as const;

/** Writes rows: candles by their total order, all other kinds once and for all. */
export class RowWriter {
  readonly #client: ArangoClient;
  /** Series that this process has seen in the catalogue. */
  readonly #known = new Set<string>();

  constructor(client: ArangoClient) {
    this.#client = client;
  }

  async upsert(series: Series, rows: readonly Row[], provenance: Provenance): Promise<UpsertOutcome> {
    const name = seriesId(series);
    const prefix = documentKey(name);
    const documents = rows.map((row) => toDocument(series, name, prefix, row, provenance));
    await this.#remember(name, prefix);
    return styleOf(series) === 'candles' ? this.#upsertCandles(name, documents) : this.#insertRows(series, rows, documents);
  }

  /** Before the first row, so that nothing is stored of a series that no list names. */
  async #remember(series: string, key: string): Promise<void> {
    if (this.#known.has(series)) return;
    await this.#client.query(`naming ${series}`, REMEMBER_SERIES, { key, series }, CREATE);
    this.#known.add(series);
  }

  /** One statement for the batch. Versions of one candle in it go one after the other: a statement sees only what was stored before it. */
  async #upsertCandles(name: string, documents: readonly RowDocument[]): Promise<UpsertOutcome> {
    let written = 0;
    for (const rows of inRounds(documents)) {
      const changes = await this.#client.query<boolean>(`upserting candles of ${name}`, UPSERT_CANDLES, { rows }, CREATE);
      written += changes.filter(Boolean).length;
    }
    return { written, unchanged: documents.length - written, conflicts: [] };
  }

  /** What is stored stays; where a key was taken, the stored rows are read back and compared. */
  async #insertRows(series: Series, rows: readonly Row[], documents: readonly RowDocument[]): Promise<UpsertOutcome> {
    const doing = `importing rows of ${seriesId(series)}`;
    const created = await this.#client.import(doing, collectionOf(series), documents.map(jsonText), { onDuplicate: 'ignore' });
    const conflicts = created === rows.length ? [] : await this.#findConflicts(series, rows, documents);
    await this.#keepLatest(series, rows, new Set(conflicts.map(({ index }) => index)));
    return { written: created, unchanged: rows.length - created - conflicts.length, conflicts };
  }

  async #findConflicts(
    series: Series,
    rows: readonly Row[],
    documents: readonly RowDocument[],
  ): Promise<readonly { readonly index: number; readonly key: string }[]> {
    const bind = { '@rows': collectionOf(series), keys: documents.map(({ _key }) => _key) };
    const stored = new Map(
      (await this.#client.query<RowDocument>(`reading back rows of ${seriesId(series)}`, READ_BACK, bind)).map((one) => [one._key, one]),
    );
    const conflicts: { index: number; key: string }[] = [];
    for (const [index, document] of documents.entries()) {
      if (!isSame(document, stored.get(document._key))) conflicts.push({ index, key: rowKey(series, rows[index] as Row) });
    }
    return conflicts;
  }

  /** Done for rows that were there already too: the process that wrote them may have died before it came here. */
  async #keepLatest(series: Series, rows: readonly Row[], conflicts: ReadonlySet<number>): Promise<void> {
    const latest = latestCollectionOf(series);
    if (latest === undefined) return;
    let newest: RowDocument | undefined;
    for (const [index, row] of rows.entries()) {
      if (conflicts.has(index)) continue;
      const [time, , row_key] = positionOf(series, row);
      const name = seriesId(series);
      const tie = 'update_id' in row && row.update_id !== undefined ? row.update_id : -1;
      const candidate = { _key: documentKey(name), series: name, ...row, time, tie, row_key };
      if (newest === undefined || isNewer(candidate, newest)) newest = candidate;
    }
    if (newest === undefined) return;
    const bind = { '@latest': latest, row: newest };
    await this.#client.query(`keeping the latest of ${seriesId(series)}`, KEEP_LATEST, bind, CREATE);
  }
}

function isNewer(a: RowDocument, b: RowDocument): boolean {
  for (const field of ['tie', 'time', 'row_key']) {
    const [left, right] = [a[field] as number, b[field] as number];
    if (left !== right) return left > right;
  }
  return false;
}

/** The batch in rounds without a key that comes twice, in order: nearly always one. */
function inRounds(documents: readonly RowDocument[]): readonly (readonly RowDocument[])[] {
  const seen = new Map<string, number>();
  const rounds: RowDocument[][] = [];
  for (const document of documents) {
    const round = seen.get(document._key) ?? 0;
    seen.set(document._key, round + 1);
    rounds[round] ??= [];
    rounds[round].push(document);
  }
  return rounds;
}

/** Whether a stored document says what the arrived one does. */
function isSame(arrived: RowDocument, stored: RowDocument | undefined): boolean {
  if (stored === undefined) return false;
  const names = Object.keys(arrived);
  if (Object.keys(stored).filter((name) => !ADDED.has(name)).length !== names.length) return false;
  return names.every((name) => isEqual(arrived[name], stored[name]));
}

function isEqual(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return a === b;
  return a.length === b.length && a.every((item, index) => isEqual(item, b[index]));
}
