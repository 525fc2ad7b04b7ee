import { AppError, type FieldProblem } from '../domain/errors.ts';

/** Exit codes of the command line. */
export const EXIT = { done: 0, failed: 1, badUse: 2 } as const;

/** Codes of errors that mean "you asked for something that cannot be": they end with exit code 2. */
const BAD_USE: ReadonlySet<string> = new Set([
  'invalid_request',
  'unknown_symbol',
  'unsupported_symbol',
  'not_yet_supported',
  'idempotency_mismatch',
  'payload_too_large',
  'unsupported_media_type',
]);

/** How results are printed: text for people, or one JSON document on stdout. */
export interface OutputOptions {
  readonly json: boolean;
}

/** Writes to stdout, keeping the order; resolves when the text is handed over (a closed pipe ends the process quietly). */
export function print(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** Notes and progress: stderr, so that stdout holds nothing but the result. */
export function note(text: string): void {
  process.stderr.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** The result of a command: one JSON document, or the text that `render` makes of it. */
export function printResult<T>(value: T, render: (value: T) => string, { json }: OutputOptions): void {
  print(json ? JSON.stringify(value) : render(value));
}

/** A table with columns as wide as their widest cell; numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [head, ...rows.map((row) => row.map(formatCell))];
  const widths = head.map((_, column) => Math.max(...cells.map((row) => String(row[column] ?? '').length)));
  const isNumber = head.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'));
  return cells
    .map((row) =>
      row
        .map((cell, column) =>
          isNumber[column] === true ? String(cell).padStart(widths[column] ?? 0) : String(cell).padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function formatCell(cell: string | number): string {
  return typeof cell === 'number' ? formatCount(cell) : cell;
}

/** `43,200`. */
export function formatCount(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 3 });
}

/** `2024-08-01 00:00:00Z`, with milliseconds where there are any. */
export function formatTime(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace('.000Z', 'Z');
}

/** `1.4 s`, `2 min 5 s`. */
export function formatDuration(ms: number): string {
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
}

/** What a failed command says: the message, then each bad field with what is allowed. */
export function describeError(error: unknown): {
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
  readonly exitCode: number;
} {
  if (!(error instanceof AppError)) {
    const message = error instanceof Error ? error.message : String(error);
    return { text: `Error: ${message}`, json: { error: { code: 'unclassified', message } }, exitCode: EXIT.failed };
  }
  const fields = error.context.fields ?? [];
  const lines = fields.map(
    ({ path, problem, allowed }: FieldProblem) => `  ${path} ${problem}${allowed === undefined ? '' : `; allowed: ${allowed}`}`,
  );
  return {
    text: [`Error (${error.code}): ${error.message}`, ...lines].join('\n'),
    json: { error: { code: error.code, message: error.message, ...(fields.length > 0 ? { fields } : {}) } },
    exitCode: BAD_USE.has(error.code) ? EXIT.badUse : EXIT.failed,
  };
}
