import { once } from 'node:events';
import { open, rename, rm } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import type { Coverage } from '../domain/coverage.ts';
import { AppError } from '../domain/errors.ts';
import { TIME_UNITS, type TimeUnit } from '../domain/row-formats/archive-csv.ts';
import { ROW_FORMATS, type RowFormat } from '../domain/row-formats/row-format.ts';
import { parseSeriesId } from '../domain/series.ts';
import { parseInstant } from './instant.ts';
import { EXIT, formatCount, formatTime, note, printResult, table } from './output.ts';
import { openRowSource, type RowSource } from './row-source.ts';

interface RangeOptions {
  readonly from?: string;
  readonly to?: string;
}

interface ExportOptions extends RangeOptions {
  readonly format: RowFormat;
  readonly timeUnit: TimeUnit;
  readonly out?: string;
  readonly collection?: string;
}

/** `export` and `coverage`. */
export function addDataCommands(program: Command): void {
  program
    .command('export [series]')
    .description("rows of a series, or of a saved collection, in order; from the store's files or through a running host")
    .option('--from <time>', 'date or instant, included')
    .option('--to <time>', 'date or instant, not included')
    .addOption(new Option('--format <format>', "csv as in the exchange's archive, or ndjson").choices([...ROW_FORMATS]).default('csv'))
    .addOption(new Option('--time-unit <unit>', 'unit of times in csv').choices([...TIME_UNITS]).default('ms'))
    .option('--out <file>', 'write here instead of stdout')
    .option('--collection <name>', 'every series of a saved collection, one after the other')
    .addHelpText(
      'after',
      '\nExample:\n  streamforge export binance:BTCUSDT:candles:5m --from 2025-01-01 --to 2025-02-01 --time-unit us --out jan.csv',
    )
    .action(async (series: string | undefined, options: ExportOptions) => exportRows(series, options));

  program
    .command('coverage <series>')
    .description('what is proven of a series and what its holes are; exit 1 when it is not complete')
    .option('--from <time>', 'date or instant, included')
    .option('--to <time>', 'date or instant, not included')
    .action(async (series: string, options: RangeOptions) => {
      parseSeriesId(series);
      const coverage = await withSource((source) => source.coverage({ series, ...readBounds(options) }));
      if (coverage === undefined)
        throw new AppError('not_found', `Nothing is known of ${series}: no row is stored and no range is proven.`, { series });
      printResult(coverage, renderCoverage, { json: program.opts<{ json?: boolean }>().json === true });
      if (!coverage.complete) process.exitCode = EXIT.failed;
    });
}

async function withSource<T>(work: (source: RowSource) => Promise<T>): Promise<T> {
  const source = await openRowSource();
  try {
    return await work(source);
  } finally {
    await source.close();
  }
}

function readBounds({ from, to }: RangeOptions): { from?: number; to?: number } {
  const bounds = {
    ...(from === undefined ? {} : { from: parseInstant(from, '--from') }),
    ...(to === undefined ? {} : { to: parseInstant(to, '--to') }),
  };
  if (bounds.from !== undefined && bounds.to !== undefined && bounds.to <= bounds.from)
    throw new AppError('invalid_request', '--to is not later than --from.');
  return bounds;
}

async function exportRows(series: string | undefined, options: ExportOptions): Promise<void> {
  if ((series === undefined) === (options.collection === undefined))
    throw new AppError('invalid_request', 'export needs a series, or --collection with a name; one of the two.');
  if (series !== undefined) parseSeriesId(series);
  const bounds = readBounds(options);
  const { format, timeUnit, collection } = options;
  const rows = await withSource((source) => {
    const lines =
      series === undefined
        ? source.collectionLines(collection ?? '', bounds, format, timeUnit)
        : source.lines({ series, ...bounds }, format, timeUnit);
    return writeAll(lines, options.out);
  });
  note(`${formatCount(rows)} rows${options.out === undefined ? '' : ` written to ${options.out}`}`);
}

/** Streams rows to their target and counts them. A file takes its name when it is whole; of one that does not become whole nothing stays. */
async function writeAll(lines: AsyncIterable<string>, out: string | undefined): Promise<number> {
  if (out === undefined) {
    return pour(lines, async (chunk) => {
      if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
    });
  }
  // Its own for each process: two exports to one name do not write into each other's file.
  const temporary = `${out}.${process.pid}.part`;
  const file = await open(temporary, 'w');
  try {
    const rows = await pour(lines, (chunk) => file.writeFile(chunk));
    await file.sync();
    await file.close();
    await rename(temporary, out);
    return rows;
  } catch (error) {
    await file.close();
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Writes chunk after chunk and counts the lines. */
async function pour(lines: AsyncIterable<string>, write: (chunk: string) => Promise<void>): Promise<number> {
  let rows = 0;
  for await (const chunk of lines) {
    for (let at = chunk.indexOf('\n'); at >= 0; at = chunk.indexOf('\n', at + 1)) rows += 1;
    await write(chunk);
  }
  return rows;
}

function renderCoverage(coverage: Coverage): string {
  const head = `${coverage.series} from ${formatTime(coverage.from)} to ${formatTime(coverage.to)}: ${coverage.complete ? 'complete' : 'NOT complete'}`;
  const ids = (range: { from_id?: number; to_id?: number }): string =>
    range.from_id === undefined || range.to_id === undefined ? '' : `${range.from_id} to ${range.to_id}`;
  const rows = [
    ...coverage.ranges.map((range) => [formatTime(range.from), formatTime(range.to), 'proven', range.origin, ids(range)]),
    ...coverage.holes.map((hole) => [
      formatTime(hole.from),
      formatTime(hole.to),
      hole.kind,
      'evidence' in hole ? `${hole.evidence.method}, ${hole.evidence.grade}` : '',
      ids(hole),
    ]),
  ].sort((a, b) => ((a[0] ?? '') < (b[0] ?? '') ? -1 : 1));
  return `${head}\n${table(['from', 'to', 'state', 'by', 'ids'], rows)}`;
}
