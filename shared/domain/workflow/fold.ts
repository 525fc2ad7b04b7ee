import type { ComponentNews, Requested, ResumeRequested, ShardVerdict, StopRequested, WorkflowFact } from './facts.ts';
import { fetchCommand, takeVerdict } from './load-stage.ts';
import { isOwnNews, sentRecord } from './messages.ts';
import type { WorkflowRequest } from './request.ts';
import {
  beginAttempt,
  completeStage,
  continueLoad,
  currentStage,
  type Effects,
  fail,
  interrupt,
  outstanding,
  rememberAttempt,
  withFindings,
} from './stages.ts';
import { isActive, type ShardRecord, type Step, type WorkflowState } from './state.ts';

/**
 * One fact, one step: the whole life of a workflow. Pure, and idempotent without positions: a fact that comes twice, late or out of order changes nothing
 * the second time, and what it wants sent has derived ids. Nothing enters the state that is not in a fact, so folding the topic again gives the same state.
 */
export function fold(state: WorkflowState | undefined, fact: WorkflowFact): Step {
  const effects: Effects = { commands: [], shards: [] };
  const next = state === undefined ? create(fact, effects) : apply(state, fact, effects);
  if (next === state || next === undefined) return { state: next, ...effects };
  return { state: { ...next, updated_at: Math.max(next.updated_at, fact.at) }, ...effects };
}

function create(fact: WorkflowFact, effects: Effects): WorkflowState | undefined {
  if (fact.kind !== 'requested') return undefined;
  const { queue_id, effective_to, as_of, lacking } = fact.data;
  const request = requestOf(fact.data);
  const asked: WorkflowState = {
    queue_id,
    request,
    effective_to,
    as_of,
    status: 'pending',
    attempt: 1,
    stopped_attempt: 0,
    created_at: fact.at,
    updated_at: fact.at,
    started_at: fact.at,
    stages: request.stages.map((name) => ({ name, status: 'pending', records_written: 0 })),
    past: [],
  };
  return beginAttempt(asked, lacking, fact.at, effects);
}

/** The request alone, without what was added when it was asked. */
function requestOf(data: Requested): WorkflowRequest {
  const { exchange, loads, stages, time_range, from, to, collection_name, graph, train, targets } = data;
  return {
    exchange,
    loads,
    stages,
    time_range,
    from,
    to,
    ...(collection_name === undefined ? {} : { collection_name }),
    ...(graph === undefined ? {} : { graph }),
    ...(train === undefined ? {} : { train }),
    ...(targets === undefined ? {} : { targets }),
  };
}

function apply(state: WorkflowState, fact: WorkflowFact, effects: Effects): WorkflowState {
  if (state.status === 'finished') return state;
  switch (fact.kind) {
    case 'requested':
      return state;
    case 'stop-requested':
      return stop(state, fact.data, fact.at, effects);
    case 'resume-requested':
      return resume(state, fact.data, fact.at, effects);
    case 'tick':
      outstanding(state, fact.at, effects);
      return state;
    case 'shard-verified':
      return takeShardVerdict(state, fact.data, fact.at, effects);
    case 'queue-event':
      return takeNews(state, fact.data, fact.at, effects);
    default:
      return fact satisfies never;
  }
}

function stop(state: WorkflowState, data: StopRequested, at: number, effects: Effects): WorkflowState {
  if (data.attempt < state.attempt) return state;
  const stopped_attempt = Math.max(state.stopped_attempt, data.attempt);
  if (data.attempt > state.attempt) return stopped_attempt === state.stopped_attempt ? state : { ...state, stopped_attempt };
  if (!isActive(state.status)) return state;
  return interrupt({ ...state, stopped_attempt, reason: data.reason }, at, effects);
}

function resume(state: WorkflowState, data: ResumeRequested, at: number, effects: Effects): WorkflowState {
  // An attempt is only asked for once the one before has ended: where this state has not seen that end, the resume has overtaken it.
  if (data.attempt <= state.attempt) return state;
  const { error: _, load: __, ...rest } = state;
  const { attempt, effective_to, as_of, reason } = data;
  const past = rememberAttempt(isActive(state.status) ? { ...state, status: 'interrupted' } : state);
  return beginAttempt({ ...rest, status: 'pending', past, attempt, effective_to, as_of, reason }, data.lacking, at, effects);
}

function takeShardVerdict(state: WorkflowState, verdict: ShardVerdict, at: number, effects: Effects): WorkflowState {
  if (state.load === undefined) return state;
  const effect = takeVerdict(state.load, verdict, state.attempt);
  if (effect.kind === 'ignored') return state;
  if (effect.kind === 'done') {
    // A fact about data counts in any state; only an active workflow goes on because of it.
    effects.shards.push(verdictRecord(state, verdict, at));
    const counted = withFindings({ ...state, load: effect.load }, verdict.series, effect.written, verdict.absent);
    return state.status === 'loading' ? continueLoad(counted, at, effects) : counted;
  }
  if (state.status !== 'loading') return state;
  if (effect.kind === 'failed') {
    effects.shards.push(verdictRecord(state, verdict, at));
    return fail(state, effect.failure, at, effects);
  }
  effects.commands.push({ kind: 'fetch-shard', data: fetchCommand(state.queue_id, state.attempt, effect.shard) });
  effects.shards.push({
    ...sentRecord(state, effect.shard, at),
    counted: verdict.counted,
    missing: verdict.missing,
    absent: verdict.absent,
  });
  return withFindings({ ...state, load: effect.load }, verdict.series, 0, verdict.absent);
}

function verdictRecord(state: WorkflowState, verdict: ShardVerdict, at: number): ShardRecord {
  const { queue_id, attempt } = state;
  const [, from = '0', to = '0'] = /:(\d+)-(\d+)$/.exec(verdict.shard) ?? [];
  const { shard, series, counted, missing, absent, error } = verdict;
  const about = { shard, series, counted, missing, absent, ...(error === undefined ? {} : { error }) };
  return { queue_id, attempt, try: verdict.try, status: verdict.verdict, from: Number(from), to: Number(to), ...about, updated_at: at };
}

function takeNews(state: WorkflowState, news: ComponentNews, at: number, effects: Effects): WorkflowState {
  if (news.attempt !== state.attempt || !isActive(state.status) || isOwnNews(news)) return state;
  const stage = currentStage(state);
  if (stage === undefined || (news.stage !== undefined && news.stage !== stage.name)) return state;
  if (news.status === 'error') {
    const isDone = news.shard !== undefined && !(state.load?.flight ?? []).some((shard) => shard.shard === news.shard);
    if (isDone) return state;
    const error = news.error ?? { code: 'unclassified', message: news.message };
    const about = { stage: stage.name, ...(news.shard === undefined ? {} : { shard: news.shard }) };
    return fail(state, { ...error, ...about }, at, effects, news.finished && news.stage === stage.name);
  }
  // The load stage ends by its verdicts alone, whatever anybody says of it.
  if (stage.name === 'load' || news.stage !== stage.name || news.status !== 'completed' || !news.finished) return state;
  const change = { records_written: news.records_written, detail: smallFacts(news.detail ?? {}) };
  return completeStage(state, stage.name, change, at, effects);
}

/** The plain values of a component's detail, so that no component can blow up the state. */
function smallFacts(detail: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const isSmall = (value: unknown): boolean =>
    typeof value === 'number' || typeof value === 'boolean' || (typeof value === 'string' && value.length <= 300);
  return Object.fromEntries(
    Object.entries(detail)
      .filter(([key, value]) => key.length <= 64 && isSmall(value))
      .slice(0, 40),
  );
}
