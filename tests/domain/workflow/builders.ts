import type { Absence } from '../../../shared/domain/coverage.ts';
import type { ComponentNews, Requested, ResumeRequested, ShardVerdict, WorkflowFact } from '../../../shared/domain/workflow/facts.ts';
import { fold } from '../../../shared/domain/workflow/fold.ts';
import { normaliseRequest, type RawRequest } from '../../../shared/domain/workflow/normalise.ts';
import { effectiveTo, selectionsOf } from '../../../shared/domain/workflow/request.ts';
import type { Step, WorkflowState } from '../../../shared/domain/workflow/state.ts';

export const QUEUE_ID = 'wf-btcusdt-api_candles_5m-20240801-a1b2c3';
export const SERIES = 'binance:BTCUSDT:candles:5m';
export const FROM = Date.UTC(2024, 7, 1);
/** A clock far behind every range of these tests. */
export const AS_OF = Date.UTC(2025, 0, 1);
const MINUTES_5 = 300_000;

/** The request of a month of candles in its normal form; `over` is what the caller writes differently. */
export function aRequest(over: Partial<RawRequest> = {}) {
  return normaliseRequest({ symbol: 'BTCUSDT', type: 'api_candles_5m', time_range: '2024-08-01:2024-08-31', ...over });
}

/** `requested` with everything lacking, at its first moment. */
export function aRequested(over: Partial<RawRequest> = {}, data: Partial<Requested> = {}): Extract<WorkflowFact, { kind: 'requested' }> {
  const request = aRequest(over);
  const lacking = request.stages.includes('load')
    ? selectionsOf(request, AS_OF).map(({ series, from, to }) => ({ series, ranges: [{ from, to }] }))
    : [];
  return {
    kind: 'requested',
    at: 1_000,
    data: { queue_id: QUEUE_ID, ...request, effective_to: effectiveTo(request, AS_OF), as_of: AS_OF, lacking, ...data },
  };
}

/** A range of `count` five-minute buckets from the first day on. */
export function buckets(from: number, count: number) {
  return { from: FROM + from * MINUTES_5, to: FROM + (from + count) * MINUTES_5 };
}

/** `requested` that lacks `shards` pages of 1,000 candles; with 0 a range of one page that lacks nothing. */
export function aRequestOfShards(shards: number, over: Partial<RawRequest> = {}): Extract<WorkflowFact, { kind: 'requested' }> {
  const range = buckets(0, Math.max(1, shards) * 1_000);
  const time_range = `${new Date(range.from).toISOString()}/${new Date(range.to).toISOString()}`;
  const lacking = [{ series: SERIES, ranges: shards === 0 ? [] : [range] }];
  return aRequested({ time_range, ...over }, { as_of: range.to + 10_000, effective_to: range.to, lacking });
}

export function shardName(index: number): string {
  const { from, to } = buckets(index * 1_000, 1_000);
  return `${SERIES}:${from}-${to}`;
}

export function aVerdict(index: number, data: Partial<ShardVerdict> = {}, at = 2_000): Extract<WorkflowFact, { kind: 'shard-verified' }> {
  const verdict: ShardVerdict = {
    queue_id: QUEUE_ID,
    attempt: 1,
    shard: shardName(index),
    try: 1,
    series: SERIES,
    verdict: 'persisted',
    counted: 1_000,
    missing: [],
    absent: [],
    ...data,
  };
  return { kind: 'shard-verified', at, data: verdict };
}

export function someNews(data: Partial<ComponentNews>, at = 3_000): Extract<WorkflowFact, { kind: 'queue-event' }> {
  const news: ComponentNews = {
    queue_id: QUEUE_ID,
    attempt: 1,
    producer: 'graph-builder__a1b2c3',
    symbol: 'BTCUSDT',
    type: 'api_candles_5m',
    status: 'completed',
    message: 'done',
    records_written: 10,
    finished: true,
    timestamp: at / 1_000,
    ...data,
  };
  return { kind: 'queue-event', at, data: news };
}

export function aStop(attempt = 1, at = 4_000): WorkflowFact {
  return { kind: 'stop-requested', at, data: { queue_id: QUEUE_ID, attempt, reason: 'asked by the caller' } };
}

export function aResume(attempt: number, lacking: ResumeRequested['lacking'], at = 5_000): WorkflowFact {
  const data = { queue_id: QUEUE_ID, attempt, reason: 'asked by the caller', effective_to: AS_OF, as_of: AS_OF, lacking };
  return { kind: 'resume-requested', at, data };
}

export function aTick(at = 6_000): WorkflowFact {
  return { kind: 'tick', at, data: { queue_id: QUEUE_ID } };
}

export function anAbsence(over: Partial<Absence> = {}): Absence {
  const evidence = { method: 'second read', grade: 'two-reads', before_key: '1', after_key: '9', asked_at: [100, 200] } as const;
  return { ...buckets(0, 16), kind: 'exchange-outage', evidence, ...over };
}

/** Folds facts one after another; the steps that they made. */
export function foldAll(
  facts: readonly WorkflowFact[],
  from?: WorkflowState,
): { readonly state: WorkflowState; readonly steps: readonly Step[] } {
  let state = from;
  const steps = facts.map((fact) => {
    const step = fold(state, fact);
    state = step.state;
    return step;
  });
  if (state === undefined) throw new Error('no workflow came out of these facts');
  return { state, steps };
}

/** The commands of one kind in these steps, in order. */
export function commandsOf<K extends Step['commands'][number]['kind']>(steps: readonly Step[], kind: K) {
  return steps
    .flatMap((step) => step.commands)
    .filter((command): command is Extract<Step['commands'][number], { kind: K }> => command.kind === kind)
    .map((command) => command.data as Extract<Step['commands'][number], { kind: K }>['data']);
}
