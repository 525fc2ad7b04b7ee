import { z } from 'zod';
import { seriesId } from '../../shared/domain/series.ts';
import type { Route } from '../../shared/runtime/define-function.ts';
import { readCoverage } from './known-extent.ts';
import { checkQuery, notFound, rangeQuery, readRange, readSeries } from './read-input.ts';

const coverageBody = z.looseObject({
  series: z.string(),
  from: z.int(),
  to: z.int(),
  ranges: z.array(
    z.looseObject({ from: z.int(), to: z.int(), from_id: z.int().optional(), to_id: z.int().optional(), origin: z.string() }),
  ),
  holes: z.array(z.looseObject({ from: z.int(), to: z.int(), kind: z.string() })),
  complete: z.boolean().describe('no hole is missing, refused, unavailable or lost'),
});

/** `GET /coverage/{id}`. */
export const coverageRoutes: readonly Route<unknown>[] = [
  {
    method: 'GET',
    path: '/coverage/{id}',
    summary: 'Read what is proven of a series, and what its holes are',
    description: 'Without from or to: as far as rows or the ledger reach.',
    query: rangeQuery,
    responses: { 200: { description: 'The ledger of the range', schema: coverageBody } },
    async handle(request, context) {
      const series = readSeries(request.params.id);
      const range = readRange(checkQuery(rangeQuery, request.query));
      const coverage = await readCoverage(context.ports.market, series, range);
      if (coverage === undefined) throw notFound('row or proven range of', seriesId(series));
      return { status: 200, body: coverage };
    },
  },
];
