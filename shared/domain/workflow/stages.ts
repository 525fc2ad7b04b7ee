import { addAbsences, NO_ABSENCES } from './absences.ts';
import type { WorkflowCommand } from './commands.ts';
import type { Failure } from './facts.ts';
import { fetchCommand, isLoaded, newLoad, sendNext } from './load-stage.ts';
import { say, sentRecord, startMessages, stopMessage } from './messages.ts';
import { resultOf, type Stage, symbolsOf } from './request.ts';
import type { AttemptSummary, SelectionRecord, ShardRecord, StageState, WorkflowFailure, WorkflowState, WorkflowStatus } from './state.ts';
import { seriesEnd } from './time-range.ts';

/** What a step gathers beside the new state. */
export interface Effects {
  readonly commands: WorkflowCommand[];
  readonly shards: ShardRecord[];
  selection?: SelectionRecord;
}

const RUNNING: Record<Stage, WorkflowStatus> = { load: 'loading', 'build-graph': 'building', train: 'training' };
/** Attempts that are remembered. */
const MAX_PAST = 20;

/** The stage that is being worked on. */
export function currentStage(state: WorkflowState): StageState | undefined {
  return state.stages.find((stage) => stage.status === 'running');
}

export function withStage(state: WorkflowState, name: Stage, change: Partial<StageState>): WorkflowState {
  return { ...state, stages: state.stages.map((stage) => (stage.name === name ? { ...stage, ...change } : stage)) };
}

/** The summary of the attempt that a state is in. */
export function summaryOf(state: WorkflowState): AttemptSummary {
  const ended = state.status === 'finished' || state.status === 'error' || state.status === 'interrupted';
  return {
    attempt: state.attempt,
    status: state.status,
    started_at: state.started_at,
    ...(ended ? { finished_at: state.updated_at } : {}),
    shards: { done: state.load?.done ?? 0, all: state.load?.total ?? 0 },
    ...(state.reason === undefined ? {} : { reason: state.reason }),
    ...(state.error === undefined ? {} : { error: state.error }),
  };
}

/** Begins an attempt: all its stages anew, over what was lacking when it was asked for. A stop that overtook it ends it at once. */
export function beginAttempt(state: WorkflowState, plan: Parameters<typeof newLoad>[0], at: number, effects: Effects): WorkflowState {
  const stages = state.stages.map(
    ({ name, records_written, absent }): StageState =>
      name === 'load'
        ? { name, status: 'pending', records_written, absent: absent ?? NO_ABSENCES }
        : { name, status: 'pending', records_written: 0 },
  );
  const begun: WorkflowState = {
    ...state,
    stages,
    started_at: at,
    ...(state.request.stages.includes('load') ? { load: newLoad(plan) } : {}),
  };
  if (state.stopped_attempt >= state.attempt) return interrupt(begun, at, effects);
  effects.commands.push(...startMessages(begun, at));
  return enterNextStage(begun, at, effects);
}

/** An attempt that a newer one takes over, remembered. */
export function rememberAttempt(state: WorkflowState): readonly AttemptSummary[] {
  return [...state.past, summaryOf(state)].slice(-MAX_PAST);
}

function enterNextStage(state: WorkflowState, at: number, effects: Effects): WorkflowState {
  const next = state.stages.find((stage) => stage.status === 'pending');
  if (next === undefined) return { ...state, status: 'finished' };
  const entered = withStage({ ...state, status: RUNNING[next.name] }, next.name, { status: 'running', started_at: at });
  if (next.name === 'load') {
    const { total = 0 } = entered.load ?? {};
    effects.commands.push(
      say(entered, at, {
        status: 'started',
        stage: 'load',
        message: `${total} shards to fetch`,
        finished: false,
        detail: { shards: total },
      }),
    );
    return continueLoad(entered, at, effects);
  }
  const job = jobCommand(entered, next.name);
  if (job === undefined) {
    const failure = { code: 'contract_mismatch', message: 'The stage build-graph ended without naming its graph.', stage: next.name };
    return fail(entered, failure, at, effects);
  }
  effects.commands.push(job);
  return entered;
}

/** Sends what may be out, and ends the stage when nothing is left. */
export function continueLoad(state: WorkflowState, at: number, effects: Effects): WorkflowState {
  if (state.load === undefined) return state;
  const { load, sent } = sendNext(state.load);
  for (const shard of sent) {
    effects.commands.push({ kind: 'fetch-shard', data: fetchCommand(state.queue_id, state.attempt, shard) });
    effects.shards.push(sentRecord(state, shard, at));
  }
  const sending: WorkflowState = { ...state, load };
  if (!isLoaded(load)) return sending;
  const stage = sending.stages.find(({ name }) => name === 'load');
  const { listed, more } = stage?.absent ?? NO_ABSENCES;
  const records_written = stage?.records_written ?? 0;
  const detail = { shards: load.total, absent_count: listed.length + more, absent: listed.slice(0, 10) };
  const message = `${load.total} shards proven, ${records_written} rows counted`;
  effects.commands.push(say(sending, at, { status: 'completed', stage: 'load', message, finished: true, records_written, detail }));
  return completeStage(sending, 'load', {}, at, effects);
}

/** Ends a stage well and enters the next one. */
export function completeStage(state: WorkflowState, name: Stage, change: Partial<StageState>, at: number, effects: Effects): WorkflowState {
  const completed = withStage(state, name, { ...change, status: 'completed', finished_at: at });
  const { collection_name } = state.request;
  if (collection_name !== undefined && (name === 'load' || !state.request.stages.includes('load'))) {
    effects.selection = {
      name: collection_name,
      queue_id: state.queue_id,
      selections: resultOf(state.request, state.as_of),
      created_at: at,
    };
  }
  return enterNextStage(completed, at, effects);
}

/** Ends the attempt in `error`. `said`: a component has closed its stage itself, so the fold does not say it again. */
export function fail(state: WorkflowState, error: WorkflowFailure, at: number, effects: Effects, said = false): WorkflowState {
  const stage = currentStage(state)?.name;
  const failure: Failure = { code: error.code, message: error.message };
  const failed: WorkflowState = { ...state, status: 'error', error };
  if (!said) {
    const about = { ...(stage === undefined ? {} : { stage }), ...(error.shard === undefined ? {} : { shard: error.shard }) };
    effects.commands.push(say(failed, at, { status: 'error', message: error.message, finished: true, error: failure, ...about }));
  }
  return stage === undefined ? failed : withStage(failed, stage, { status: 'error', finished_at: at, error: failure });
}

/** Ends the attempt in `interrupted`. */
export function interrupt(state: WorkflowState, at: number, effects: Effects): WorkflowState {
  const stage = currentStage(state)?.name;
  const interrupted: WorkflowState = { ...state, status: 'interrupted' };
  const message = `Stopped: ${state.reason ?? 'no reason given'}`;
  effects.commands.push(stopMessage(interrupted, at));
  effects.commands.push(
    say(interrupted, at, { status: 'interrupted', message, finished: true, ...(stage === undefined ? {} : { stage }) }),
  );
  return stage === undefined ? interrupted : withStage(interrupted, stage, { status: 'interrupted', finished_at: at });
}

/** The command of a job's stage; undefined where the graph to train on is not known. */
export function jobCommand(state: WorkflowState, name: 'build-graph' | 'train'): WorkflowCommand | undefined {
  const { queue_id, attempt, request } = state;
  if (name === 'build-graph') {
    if (request.graph === undefined) return undefined;
    const { exchange, from } = request;
    const to = seriesEnd(request.graph, request.to, state.as_of);
    return { kind: 'build-graph', data: { queue_id, attempt, exchange, from, to, ...request.graph } };
  }
  if (request.train === undefined) return undefined;
  const { graph_id: given, ...params } = request.train;
  const graph_id = given ?? state.stages.find((stage) => stage.name === 'build-graph')?.detail?.graph_id;
  if (typeof graph_id !== 'string') return undefined;
  return { kind: 'train', data: { queue_id, attempt, symbol: symbolsOf(request)[0] ?? '', graph_id, ...params } };
}

/** Everything of the current stage that is out, to be sent again. */
export function outstanding(state: WorkflowState, at: number, effects: Effects): void {
  const stage = currentStage(state)?.name;
  if (stage === 'load') {
    for (const shard of state.load?.flight ?? []) {
      effects.commands.push({ kind: 'fetch-shard', data: fetchCommand(state.queue_id, state.attempt, shard) });
      effects.shards.push(sentRecord(state, shard, at));
    }
  } else if (stage !== undefined) {
    const job = jobCommand(state, stage);
    if (job !== undefined) effects.commands.push(job);
  }
}

/** The load stage with what a verdict counted and found absent. */
export function withFindings(
  state: WorkflowState,
  series: string,
  written: number,
  absent: Parameters<typeof addAbsences>[2],
): WorkflowState {
  const stage = state.stages.find(({ name }) => name === 'load');
  if (stage === undefined) return state;
  return withStage(state, 'load', {
    records_written: stage.records_written + written,
    absent: addAbsences(stage.absent ?? NO_ABSENCES, series, absent),
  });
}
