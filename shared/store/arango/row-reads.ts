import { AppError } from '../../domain/errors.ts';
import { createProver, type ProofClaim, type RangeProof } from '../../domain/proof.ts';
import type { SeriesRange } from '../../domain/range.ts';
import type { Candle, Row, Trade } from '../../domain/rows.ts';
import { type Series, seriesId } from '../../domain/series.ts';
import type { RowQuery } from '../market-store.ts';
import { CursorLost } from './arango-client.ts';
import type { ArangoPort } from './arango-port.ts';
import { documentKey } from './document-key.ts';
import { COUNT_ROWS, ID_BOUNDS, READ_BACK, READ_MARKS, READ_ROWS, REMOVE_ROWS } from './row-statements.ts';
import { collectionOf, orderOf, positionOf, type RowDocument, styleOf, type TextPosition } from './series-rows.ts';

/** Most rows of a page. */
const PAGE_ROWS = 5_000;
/** A row of depth may hold thousands of levels. */
const PAGE_DEPTH_ROWS = 100;
/** Marks of one page of a proof. */
const PAGE_MARKS = 5_000;

const FIRST = Number.MIN_SAFE_INTEGER;
const LAST = Number.MAX_SAFE_INTEGER;
/** The position before every row. */
const START: TextPosition = [FIRST, FIRST, ''];

/** Values of the bounds of one query; undefined where nothing can lie inside. */
type Bounds = Readonly<Record<string, unknown>> | undefined;

/** Reads, counts, proves and deletes rows. */
export class RowReader {
  readonly #port: ArangoPort;

  constructor(port: ArangoPort) {
    this.#port = port;
  }

  /**
   * Streams pages. The server shows what was stored when the query began, so the end is asked once more behind the last row; a cursor that was lost, because the
   * reader was away for long, is replaced in the same way.
   */
  async *read(series: Series, query: RowQuery, signal: AbortSignal | undefined): AsyncGenerator<readonly Row[], void, void> {
    signal?.throwIfAborted();
    const doing = `reading rows of ${seriesId(series)}`;
    const size = series.kind === 'depth' ? PAGE_DEPTH_ROWS : PAGE_ROWS;
    let left = query.limit ?? LAST;
    let after = await this.#startOf(series, query);
    while (left > 0) {
      const bounds = await this.#boundsOf(series, query, after, signal);
      if (bounds === undefined) return;
      const bind = styleOf(series) === 'texts' ? { ...bounds, after: after ?? START, ...orderOf(series) } : bounds;
      let found = 0;
      try {
        const pages = this.#port.pages<Row>(doing, READ_ROWS[styleOf(series)], { ...bind, limit: left }, Math.min(size, left), signal);
        for await (const page of pages) {
          found += page.length;
          left -= page.length;
          after = this.#placeOf(series, page.at(-1) as Row);
          yield page;
          signal?.throwIfAborted();
        }
      } catch (error) {
        if (!(error instanceof CursorLost)) throw error;
        continue;
      }
      if (found === 0) return;
    }
  }

  async count(series: Series, range: Partial<SeriesRange>): Promise<number> {
    const bounds = await this.#boundsOf(series, range, undefined, undefined);
    if (bounds === undefined) return 0;
    return this.#port.one<number>(`counting rows of ${seriesId(series)}`, COUNT_ROWS[styleOf(series)], bounds);
  }

  /** Every page of the claim's rows passes the prover; nothing else is held. */
  async prove(series: Series, claim: ProofClaim, signal: AbortSignal | undefined): Promise<RangeProof> {
    signal?.throwIfAborted();
    const doing = `proving rows of ${seriesId(series)}`;
    const prove = async (bind: Readonly<Record<string, unknown>>, add: (prover: Prover, mark: Mark) => void): Promise<RangeProof> => {
      const text = READ_MARKS[styleOf(series) as 'candles' | 'ids'];
      for (;;) {
        const prover = createProver(series, claim);
        try {
          for await (const page of this.#port.pages<Mark>(doing, text, { series: seriesId(series), ...bind }, PAGE_MARKS, signal))
            for (const mark of page) add(prover, mark);
          return prover.finish();
        } catch (error) {
          if (!(error instanceof CursorLost)) throw error;
        }
      }
    };
    if (styleOf(series) === 'candles')
      return prove({ first: claim.from, last: claim.to - 1 }, (prover, [open_time, close_time, is_closed]) =>
        prover.add({ open_time, close_time, is_closed, id: 0, time: 0 }),
      );
    // Throws for what cannot be proven.
    createProver(series, claim);
    return prove({ '@rows': collectionOf(series), first: claim.from_id, last: claim.to_id }, (prover, [id, time]) =>
      prover.add({ id, time, open_time: 0, close_time: 0, is_closed: false }),
    );
  }

  /** A page at a time, so that no statement holds many locks. */
  async remove(series: Series, range: Partial<SeriesRange>): Promise<number> {
    const bounds = await this.#boundsOf(series, range, undefined, undefined);
    if (bounds === undefined) return 0;
    let removed = 0;
    for (;;) {
      const doing = `deleting rows of ${seriesId(series)}`;
      const { length } = await this.#port.query<number>(doing, REMOVE_ROWS[styleOf(series)], { ...bounds, limit: PAGE_ROWS });
      removed += length;
      if (length < PAGE_ROWS) return removed;
    }
  }

  /** The position behind which a query starts. Throws `invalid_request` for a key that is none, or that is not stored where only the row tells its place. */
  async #startOf(series: Series, { after }: RowQuery): Promise<number | TextPosition | undefined> {
    if (after === undefined) return undefined;
    if (styleOf(series) !== 'texts') {
      if (Number.isSafeInteger(Number(after)) && String(Number(after)) === after) return Number(after);
      throw invalid(series, `${JSON.stringify(after)} is no row key of ${seriesId(series)}: those are whole numbers.`);
    }
    const bind = { '@rows': collectionOf(series), keys: [documentKey(`${seriesId(series)}:${after}`)] };
    const [row] = await this.#port.query<RowDocument>(`finding a row of ${seriesId(series)}`, READ_BACK, bind);
    if (row !== undefined) return positionOf(series, row as unknown as Row);
    throw invalid(series, `${seriesId(series)} has no row ${JSON.stringify(after)} to go on behind.`);
  }

  #placeOf(series: Series, row: Row): number | TextPosition {
    const style = styleOf(series);
    if (style === 'texts') return positionOf(series, row);
    return style === 'candles' ? (row as Candle).open_time : ((row as Trade).id as number);
  }

  async #boundsOf(
    series: Series,
    range: Partial<SeriesRange>,
    after: number | TextPosition | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Bounds> {
    const { from = FIRST, to = LAST, from_id, to_id } = range;
    const style = styleOf(series);
    if ((from_id !== undefined || to_id !== undefined) && style !== 'ids')
      throw invalid(series, `The rows of ${seriesId(series)} have no integer ids to be asked by.`);
    const name = { series: seriesId(series) };
    if (style === 'candles') {
      const first = after === undefined ? from : Math.max(from, (after as number) + 1);
      // Open times are whole numbers: those below `to` are at most the one before it.
      const last = Math.ceil(to) - 1;
      return first > last ? undefined : { ...name, first, last };
    }
    const rows = { ...name, '@rows': collectionOf(series) };
    if (style === 'texts') return { ...rows, from: after === undefined ? from : Math.max(from, (after as TextPosition)[0]), to };
    const inTime = range.from === undefined && range.to === undefined ? [FIRST, LAST] : await this.#idsWithin(rows, from, to, signal);
    if (inTime === undefined) return undefined;
    const first = Math.max(from_id ?? FIRST, inTime[0] as number, after === undefined ? FIRST : (after as number) + 1);
    const last = Math.min(to_id ?? LAST, inTime[1] as number);
    return first > last ? undefined : { ...rows, first, last, from, to };
  }

  async #idsWithin(
    rows: Readonly<Record<string, unknown>>,
    from: number,
    to: number,
    signal: AbortSignal | undefined,
  ): Promise<readonly [number, number] | undefined> {
    const found = await this.#port.one<readonly [number | null, number | null]>(
      'finding ids by their times',
      ID_BOUNDS,
      { ...rows, from, to },
      { signal },
    );
    return found[0] === null ? undefined : (found as readonly [number, number]);
  }
}

type Mark = readonly [number, number, boolean];
type Prover = ReturnType<typeof createProver>;

function invalid(series: Series, message: string): AppError {
  return new AppError('invalid_request', message, { series: seriesId(series) });
}
