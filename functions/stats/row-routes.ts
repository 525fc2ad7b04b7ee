import { z } from 'zod';
import type { Route } from '../../shared/runtime/define-function.ts';
import { checkQuery, readRange, readSeries, rowsQuery } from './read-input.ts';
import { answerRows, DEFAULT_LIMIT, readPage } from './row-page.ts';

/** `{series, rows, cursor?}`. */
const rowsBody = z.looseObject({
  series: z.string(),
  rows: z.array(z.looseObject({})).describe('rows of the contract, in the order of the series'),
  cursor: z.string().optional().describe('there while more rows follow'),
});

/** `GET /series/{id}/rows`. */
export const rowRoutes: readonly Route<unknown>[] = [
  {
    method: 'GET',
    path: '/series/{id}/rows',
    summary: 'Read rows of a series in order',
    description: 'Half-open in time. CSV and NDJSON have the next cursor in the header x-next-cursor.',
    query: rowsQuery,
    responses: { 200: { description: 'A page of rows', schema: rowsBody } },
    async handle(request, context) {
      const series = readSeries(request.params.id);
      const query = checkQuery(rowsQuery, request.query);
      const bounds = { ...readRange(query), ...(query.cursor === undefined ? {} : { after: query.cursor }) };
      const form = { format: query.format ?? 'json', timeUnit: query.time_unit ?? 'ms' } as const;
      const page = await readPage(context.ports.market, series, bounds, Number(query.limit ?? DEFAULT_LIMIT), request.signal);
      return answerRows(page, page.next, form);
    },
  },
];
