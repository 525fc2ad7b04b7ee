import { parentPort } from 'node:worker_threads';
import { type ErrorCode, toAppError } from '../../shared/domain/errors.ts';
import { type BuiltGraph, buildGraph, type GraphInput } from '../../shared/domain/graph/build.ts';
import { type CandleTable, joinTables } from '../../shared/domain/graph/candle-table.ts';
import { contentHash } from '../../shared/domain/graph/content.ts';

/** Candles of the symbol with this index, in their order; then the rest of the input, once. */
export type ToBuildWorker =
  | { readonly kind: 'candles'; readonly symbol: number; readonly table: CandleTable }
  | { readonly kind: 'build'; readonly input: Omit<GraphInput, 'tables'> };

export type FromBuildWorker =
  | { readonly kind: 'built'; readonly graph: BuiltGraph; readonly contentHash: string }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string; readonly context: Readonly<Record<string, unknown>> };

const pages: CandleTable[][] = [];

parentPort?.on('message', (message: ToBuildWorker) => {
  if (message.kind === 'candles') {
    pages[message.symbol] ??= [];
    pages[message.symbol]?.push(message.table);
    return;
  }
  try {
    const graph = buildGraph({ ...message.input, tables: message.input.symbols.map((_, s) => joinTables(pages[s] ?? [])) });
    const answer: FromBuildWorker = { kind: 'built', graph, contentHash: contentHash(graph) };
    parentPort?.postMessage(answer, buffersOf(graph));
  } catch (error) {
    const { code, message: text, context } = toAppError(error);
    const answer: FromBuildWorker = { kind: 'failed', code, message: text, context };
    parentPort?.postMessage(answer);
  }
});

/** The memory of the graph: it moves to the other thread, so nothing is copied. */
function buffersOf({ grid, x, edges }: BuiltGraph): ArrayBuffer[] {
  const arrays: ArrayBufferView[] = [x];
  for (const column of Object.values(grid)) if (ArrayBuffer.isView(column)) arrays.push(column);
  for (const { src, dst, columns } of Object.values(edges)) arrays.push(src, dst, ...columns);
  return arrays.map((array) => array.buffer as ArrayBuffer);
}
