import { z } from 'zod';
import { parseSeriesId, seriesId } from '../../shared/domain/series.ts';
import type { Route } from '../../shared/runtime/define-function.ts';
import { countHoles, openHoles, readCoverage } from './known-extent.ts';
import { notFound, readSeries } from './read-input.ts';

const end = z.looseObject({ key: z.string(), time: z.int() }).optional();
const summaryFields = { series: z.string(), rows: z.int(), first: end, last: end };
const coverageFields = { from: z.int(), to: z.int(), complete: z.boolean() };

const listBody = z.looseObject({
  items: z.array(
    z.looseObject({
      ...summaryFields,
      coverage: z.looseObject({ ...coverageFields, ranges: z.int() }).optional(),
      gaps: z.record(z.string(), z.int()).describe('how many holes of each kind'),
    }),
  ),
});
const seriesBody = z.looseObject({
  ...summaryFields,
  coverage: z.looseObject({ ...coverageFields, ranges: z.array(z.looseObject({})) }).optional(),
  gaps: z.array(z.looseObject({})).describe('holes that stay open'),
});

/** `GET /series` and `GET /series/{id}`. */
export const seriesRoutes: readonly Route<unknown>[] = [
  {
    method: 'GET',
    path: '/series',
    summary: 'List what is stored',
    responses: { 200: { description: 'Every series: rows, first, last, coverage, and its holes counted by kind', schema: listBody } },
    async handle(_request, { ports: { market } }) {
      const items: unknown[] = [];
      for (const summary of await market.listSeries()) {
        const coverage = await readCoverage(market, parseSeriesId(summary.series), {}, summary);
        items.push({
          ...summary,
          ...(coverage === undefined
            ? { gaps: {} }
            : {
                coverage: { from: coverage.from, to: coverage.to, complete: coverage.complete, ranges: coverage.ranges.length },
                gaps: countHoles(coverage),
              }),
        });
      }
      return { status: 200, body: { items } };
    },
  },
  {
    method: 'GET',
    path: '/series/{id}',
    summary: 'Describe a series',
    responses: { 200: { description: 'Rows, first, last, coverage and the holes that stay open', schema: seriesBody } },
    async handle(request, { ports: { market } }) {
      const series = readSeries(request.params.id);
      const summary = await market.describeSeries(series);
      const coverage = await readCoverage(market, series, {}, summary);
      if (summary === undefined && coverage === undefined) throw notFound('series', seriesId(series));
      return {
        status: 200,
        body: {
          ...(summary ?? { series: seriesId(series), rows: 0 }),
          ...(coverage === undefined
            ? { gaps: [] }
            : {
                coverage: { from: coverage.from, to: coverage.to, complete: coverage.complete, ranges: coverage.ranges },
                gaps: openHoles(coverage),
              }),
        },
      };
    },
  },
];
