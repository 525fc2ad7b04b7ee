import type { LedgerMonth } from '../../domain/coverage.ts';
import { AppError } from '../../domain/errors.ts';
import { monthOf } from '../../domain/ledger.ts';
import type { SeriesRange, TimeRange } from '../../domain/range.ts';
import type { Candle, Quote, Row, Ticker, Trade } from '../../domain/rows.ts';
import { hasIntegerIds, type Series, seriesId } from '../../domain/series.ts';
import type { MarketStore, ProofClaim, Provenance, RangeProof, RowQuery, SeriesSummary, UpsertOutcome } from '../market-store.ts';
import { decodeRows, encodeRows, type RecordBatch, recordCodec } from './records/record-codec.ts';
import type { Position, RowBounds, RowPage } from './row-table.ts';
import { SlotBuffers } from './slot-buffers.ts';
import type { StorePort } from './store-client.ts';

/** Most rows of one upsert, and of one page. */
const MOST_ROWS = 5_000;
const NOTHING: UpsertOutcome = { written: 0, unchanged: 0, conflicts: [] };

/** The market store on SQLite. Rows cross to the store's thread and back as buffers of 64-bit floats, never as objects. */
export class SqliteMarketStore implements MarketStore {
  readonly #port: StorePort;
  readonly #buffers = new SlotBuffers();

  constructor(port: StorePort) {
    this.#port = port;
  }

  async upsertRows(series: Series, rows: readonly Row[], provenance: Provenance): Promise<UpsertOutcome> {
    if (rows.length > MOST_ROWS) throw new AppError('invalid_request', `An upsert takes at most ${MOST_ROWS} rows, not ${rows.length}.`);
    if (rows.length === 0) return NOTHING;
    checkKeys(series, rows);
    const batch = encodeRows(recordCodec(series), rows, provenance, (length) => this.#buffers.take(length));
    return this.#upsert(seriesId(series), batch);
  }

  async #upsert(series: string, batch: RecordBatch): Promise<UpsertOutcome> {
    const { outcome, slots } = await this.#port.call('upsertRows', { series, batch }, { transfer: [batch.slots.buffer] });
    this.#buffers.giveBack(slots.buffer);
    return outcome;
  }

  async upsertText(
    series: Series,
    text: Uint8Array,
    mostRows: number,
    { origin, received_at }: Provenance,
  ): Promise<UpsertOutcome | undefined> {
    const slots = this.#buffers.take(Math.ceil(text.byteLength / Float64Array.BYTES_PER_ELEMENT));
    new Uint8Array(slots.buffer, 0, text.byteLength).set(text);
    const most = { bytes: text.byteLength, mostRows: Math.min(mostRows, MOST_ROWS) };
    const args = { series: seriesId(series), slots, ...most, provenance: { origin, received_at } };
    const answer = await this.#port.call('upsertText', args, { transfer: [slots.buffer] });
    this.#buffers.giveBack(answer.slots.buffer);
    return answer.outcome;
  }

  async *readRows(series: Series, query: RowQuery = {}, signal?: AbortSignal): AsyncIterable<readonly Row[]> {
    const codec = recordCodec(series);
    const bounds = boundsOf(series, query);
    let left = query.limit ?? Number.POSITIVE_INFINITY;
    let after: Position | string | undefined = query.after;
    while (left > 0) {
      const limit = Math.min(left, MOST_ROWS);
      const page: RowPage = await this.#port.call('readPage', { series: seriesId(series), bounds, after, limit }, { signal });
      if (page.count > 0) yield decodeRows(codec, page.slots);
      left -= page.count;
      if (page.next === undefined) return;
      after = page.next;
    }
  }

  async countRows(series: Series, range: Partial<SeriesRange> = {}): Promise<number> {
    return this.#port.call('countRows', { series: seriesId(series), bounds: boundsOf(series, range) });
  }

  async proveRange(series: Series, claim: ProofClaim, signal?: AbortSignal): Promise<RangeProof> {
    return this.#port.call('proveRange', { series: seriesId(series), claim }, { signal });
  }

  async deleteRows(series: Series, range: Partial<SeriesRange>): Promise<number> {
    const bounds = boundsOf(series, range);
    let deleted = 0;
    for (;;) {
      const count = await this.#port.call('deletePage', { series: seriesId(series), bounds });
      if (count === 0) return deleted;
      deleted += count;
    }
  }

  async listSeries(): Promise<readonly SeriesSummary[]> {
    return this.#port.call('listSeries', undefined);
  }

  async describeSeries(series: Series): Promise<SeriesSummary | undefined> {
    return this.#port.call('describeSeries', { series: seriesId(series) });
  }

  async readLatest(series: Series): Promise<Quote | Ticker | undefined> {
    const record = await this.#port.call('readLatest', { series: seriesId(series) });
    return record === undefined ? undefined : (recordCodec(series).decode(record, 0) as Quote | Ticker);
  }

  async readLedger(series: Series, range: Partial<TimeRange> = {}): Promise<readonly LedgerMonth[]> {
    const months = {
      ...(range.from === undefined ? {} : { first: monthOf(range.from) }),
      ...(range.to === undefined ? {} : { last: monthOf(Math.max(range.to - 1, range.from ?? 0)) }),
    };
    return this.#port.call('readLedger', { series: seriesId(series), ...months });
  }

  async writeLedger(months: readonly LedgerMonth[]): Promise<boolean> {
    return months.length === 0 || this.#port.call('writeLedger', { months });
  }

  async close(): Promise<void> {
    await this.#port.close();
  }
}

/** The bounds of a query alone. Throws `invalid_request` for ids of rows that have no integer ids. */
function boundsOf(series: Series, query: Partial<SeriesRange>): RowBounds {
  const { from, to, from_id, to_id } = query;
  if ((from_id !== undefined || to_id !== undefined) && !hasIntegerIds(series))
    throw new AppError('invalid_request', `The rows of ${seriesId(series)} have no integer ids to be asked by.`, {
      series: seriesId(series),
    });
  return {
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(from_id === undefined ? {} : { from_id }),
    ...(to_id === undefined ? {} : { to_id }),
  };
}

/** Throws `invalid_request` for a key that the series' table could not hold as it is. */
function checkKeys(series: Series, rows: readonly Row[]): void {
  const candles = series.interval !== undefined;
  if (!candles && !hasIntegerIds(series)) return;
  for (let index = 0; index < rows.length; index += 1) {
    const key = candles ? (rows[index] as Candle).open_time : (rows[index] as Trade).id;
    if (!Number.isSafeInteger(key))
      throw new AppError('invalid_request', `Row ${index} of ${seriesId(series)} has the key ${String(key)}, which is no whole number.`, {
        index,
      });
  }
}
