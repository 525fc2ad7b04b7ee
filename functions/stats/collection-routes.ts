import { z } from 'zod';
import { AppError } from '../../shared/domain/errors.ts';
import { parseSeriesId } from '../../shared/domain/series.ts';
import type { Route } from '../../shared/runtime/define-function.ts';
import type { MarketStore } from '../../shared/store/market-store.ts';
import type { CollectionDocument } from '../../shared/store/workflow-store.ts';
import { checkQuery, notFound, readRange, refused, rowsQuery } from './read-input.ts';
import { answerRows, DEFAULT_LIMIT, type RowPage, readPage } from './row-page.ts';

const NAME = /^[a-z][a-z0-9_]{2,62}$/;
/** `<number of the selection>~<row key>`; without row key at the begin of the selection. */
const CURSOR = /^(\d{1,6})~([\w:-]{0,100})$/;

const rowsBody = z.looseObject({
  collection: z.string(),
  series: z.string().describe('the series of these rows: a page never mixes two'),
  rows: z.array(z.looseObject({})),
  cursor: z.string().optional(),
});

type Selection = CollectionDocument['selections'][number];
type Bounds = { readonly from?: number; readonly to?: number };

/** `GET /collections/{name}/rows`. */
export const collectionRoutes: readonly Route<unknown>[] = [
  {
    method: 'GET',
    path: '/collections/{name}/rows',
    summary: 'Read the rows of a saved selection',
    description:
      'Series after series, in the order of the workflow that saved it; from and to narrow it. The header x-series names the series of a page.',
    query: rowsQuery,
    responses: { 200: { description: 'A page of rows of one series', schema: rowsBody } },
    async handle(request, { ports }) {
      const name = request.params.name ?? '';
      if (!NAME.test(name)) {
        const fields = [{ path: 'name', problem: 'has the wrong form', allowed: NAME.source }];
        throw new AppError('invalid_request', 'This is not the name of a collection.', { fields });
      }
      const query = checkQuery(rowsQuery, request.query);
      const bounds = readRange(query);
      const collection = await ports.workflows.readCollection(name);
      if (collection === undefined) throw notFound('collection', name);
      const start = readCursor(query.cursor, collection.selections.length);
      const limit = Number(query.limit ?? DEFAULT_LIMIT);
      const { page, cursor } = await pageOf(ports.market, collection.selections, start, bounds, limit, request.signal);
      const form = { format: query.format ?? 'json', timeUnit: query.time_unit ?? 'ms' } as const;
      return answerRows(page, cursor, form, { collection: name });
    },
  },
];

function readCursor(cursor: string | undefined, count: number): { index: number; after?: string } {
  if (cursor === undefined) return { index: 0 };
  const [, number, after] = CURSOR.exec(cursor) ?? [];
  const index = Number(number);
  if (number === undefined || index >= count) {
    throw refused({ path: 'cursor', problem: 'is not a cursor of this collection', allowed: 'the cursor of the answer before' });
  }
  return { index, ...(after === undefined || after === '' ? {} : { after }) };
}

/** The page at a cursor: of the first selection from there on that has rows; an empty one of the last where none has. */
async function pageOf(
  market: MarketStore,
  selections: readonly Selection[],
  start: { readonly index: number; readonly after?: string },
  bounds: Bounds,
  limit: number,
  signal: AbortSignal,
): Promise<{ page: RowPage; cursor: string | undefined }> {
  let { index, after } = start;
  for (;;) {
    const selection = selections[index];
    if (selection === undefined) throw new AppError('not_found', 'This collection selects nothing.');
    const isLast = index + 1 >= selections.length;
    const query = { ...narrowed(selection, bounds), ...(after === undefined ? {} : { after }) };
    const page = await readPage(market, parseSeriesId(selection.series), query, limit, signal);
    if (page.next !== undefined) return { page, cursor: `${index}~${page.next}` };
    if (page.rows.length > 0 || isLast) return { page, cursor: isLast ? undefined : `${index + 1}~` };
    index += 1;
    after = undefined;
  }
}

function narrowed({ from, to }: Selection, bounds: Bounds): { from: number; to: number } {
  const begin = Math.max(from, bounds.from ?? from);
  return { from: begin, to: Math.max(begin, Math.min(to, bounds.to ?? to)) };
}
