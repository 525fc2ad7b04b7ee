import type { Hole } from '../../domain/coverage.ts';
import { formatCount, formatTime } from '../output.ts';
import type { ServedFault } from './faults.ts';
import type { Comparison } from './rebuilt-candles.ts';

export interface LoadedSeries {
  readonly series: string;
  readonly rows: number;
  readonly complete: boolean;
  readonly holes: readonly Hole[];
}

/** Everything that the demo has to say; also its `--json`. */
export interface DemoReport {
  readonly source: string;
  readonly queue_id: string;
  readonly status: string;
  readonly error?: { readonly code: string; readonly message: string };
  readonly loaded: readonly LoadedSeries[];
  readonly rebuilt?: Comparison;
  readonly graph?: { readonly graph_id: string; readonly nodes: number; readonly edges: Readonly<Record<string, number>> };
  readonly model?: { readonly model_id: string; readonly card: Readonly<Record<string, unknown>> };
  readonly faults: readonly ServedFault[];
  /** Kinds of processes of which one was killed while it worked; empty where everything is one process. */
  readonly killed: readonly { readonly kind: string; readonly times: number }[];
  readonly seconds: number;
  /** Of the process that reports: the whole platform where it is one. */
  readonly peak_memory_mb: number;
}

/** True where the workflow finished, every series is complete, the trades say the same as the candles, and every fault was met. */
export function isGood(report: DemoReport): boolean {
  const { rebuilt } = report;
  return (
    report.status === 'finished' &&
    report.loaded.every((series) => series.complete) &&
    (rebuilt === undefined || (rebuilt.compared > 0 && rebuilt.equal === rebuilt.compared)) &&
    report.graph !== undefined &&
    report.model !== undefined &&
    report.faults.every((fault) => fault.served > 0)
  );
}

/** The report as text for somebody who sees the platform for the first time; `lookAround` stands below it. */
export function renderReport(report: DemoReport, lookAround: readonly string[]): string {
  const lines = [
    '',
    `StreamForge loaded 30 days from ${report.source}.`,
    '',
    `Workflow ${report.queue_id}: ${report.status}${report.error === undefined ? '' : ` (${report.error.code}: ${report.error.message})`}`,
    '',
    'Loaded and proven from the stored rows',
    ...report.loaded.flatMap(renderSeries),
    ...renderRebuilt(report.rebuilt),
    '',
    ...renderGraph(report),
    '',
    'What the exchange did to us, and was survived',
    ...report.faults.map(({ kind, served }) => `  ${served > 0 ? '✓' : '✗ never served:'} ${kind}${served > 0 ? `, ${served} times` : ''}`),
    ...(report.killed.length === 0
      ? []
      : ['', `Killed while they worked (kill -9), and taken over: ${report.killed.map(({ kind }) => kind).join(', ')}`]),
    '',
    report.killed.length === 0
      ? `${report.seconds.toFixed(1)} s, peak memory ${formatCount(Math.round(report.peak_memory_mb))} MB (the whole platform in one process).`
      : `${report.seconds.toFixed(1)} s.`,
    isGood(report) ? 'Everything held.' : 'NOT everything held: see the lines with ✗ above.',
    '',
    ...lookAround,
  ];
  return lines.join('\n');
}

function renderSeries({ series, rows, complete, holes }: LoadedSeries): string[] {
  const head = `  ${complete ? '✓' : '✗'} ${series.padEnd(28)} ${formatCount(rows).padStart(8)} rows, ${complete ? 'complete' : 'NOT complete'}`;
  return [
    head,
    ...holes
      .slice(0, 5)
      .map(
        (hole) =>
          `      ${hole.kind}: ${formatTime(hole.from)} to ${formatTime(hole.to)}${'evidence' in hole ? ` (shown by ${hole.evidence.method}, ${hole.evidence.grade})` : ''}`,
      ),
  ];
}

function renderRebuilt(rebuilt: Comparison | undefined): string[] {
  if (rebuilt === undefined) return [];
  const good = rebuilt.equal === rebuilt.compared && rebuilt.compared > 0;
  const quiet = rebuilt.quiet === 0 ? '' : `; ${formatCount(rebuilt.quiet)} quiet ones without a trade`;
  return [
    `  ${good ? '✓' : '✗'} ${formatCount(rebuilt.equal)} of ${formatCount(rebuilt.compared)} candles rebuilt from ${formatCount(rebuilt.trades)} trades equal the loaded ones in all nine numbers${quiet}`,
  ];
}

interface Interval {
  readonly value?: number;
  readonly ci?: readonly number[];
}

function renderGraph({ graph, model }: DemoReport): string[] {
  const edges = Object.entries(graph?.edges ?? {}).map(([name, count]) => `${name} ${formatCount(count)}`);
  const lines =
    graph === undefined
      ? ['✗ no graph']
      : [`Graph ${graph.graph_id.slice(0, 12)}: ${formatCount(graph.nodes)} nodes; edges: ${edges.join(', ')}`];
  if (model === undefined) return [...lines, '✗ no model'];
  const { card } = model;
  const metrics = (card.metrics ?? {}) as {
    readonly pooled?: { readonly acc?: number; readonly ci?: readonly number[] };
    readonly accuracy?: Interval;
  };
  const accuracy = metrics.pooled?.acc ?? metrics.accuracy?.value;
  const ci = metrics.pooled?.ci ?? metrics.accuracy?.ci;
  const shown =
    accuracy === undefined
      ? ''
      : `, accuracy ${(accuracy * 100).toFixed(1)} %${ci === undefined ? '' : ` [${ci.map((bound) => (bound * 100).toFixed(1)).join(', ')}]`}`;
  return [...lines, `Model ${model.model_id.slice(0, 12)}: task ${String(card.task)}${shown}; verdict: ${String(card.verdict)}`];
}
