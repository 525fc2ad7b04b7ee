import type { Absence, Coverage } from '../../shared/domain/coverage.ts';
import { countBuckets, hasUnverifiedPhase } from '../../shared/domain/interval.ts';
import { hasIds } from '../../shared/domain/range.ts';
import { parseSeriesId } from '../../shared/domain/series.ts';
import { selectionsOf } from '../../shared/domain/workflow/request.ts';
import { summaryOf } from '../../shared/domain/workflow/stages.ts';
import { isActive, type StageState, type WorkflowState } from '../../shared/domain/workflow/state.ts';
import type { MarketStore } from '../../shared/store/market-store.ts';
import type { WorkflowDocument } from '../../shared/store/workflow-store.ts';
import { storedState } from './document.ts';
import { readCoverages } from './lacking.ts';
import { linksOf } from './start-workflow.ts';

/** Absences that one answer lists; `absent_count` says how many there are. */
const MAX_ABSENT = 100;
/** Series whose ledgers are read for an answer while rows are still coming in; of more only once they are loaded. */
const MAX_WHILE_LOADING = 25;

/** A workflow as a reader sees it, from its document alone: what a list shows. */
export function summariseWorkflow(document: WorkflowDocument): Record<string, unknown> {
  const stored = storedState(document);
  const request = stored.kind === 'pending' ? stored.requested : stored.workflow.request;
  const { queue_id, status, attempt, symbols, types, created_at, updated_at } = document;
  const { exchange, time_range, from, to, collection_name } = request;
  const about = {
    queue_id,
    status,
    attempt,
    exchange,
    symbols,
    types,
    time_range,
    from,
    to,
    effective_to: stored.kind === 'pending' ? stored.requested.effective_to : stored.workflow.effective_to,
    ...(collection_name === undefined ? {} : { collection_name }),
    plan: stored.plan,
    created_at,
    updated_at,
    links: linksOf(queue_id),
  };
  if (stored.kind === 'pending') return { ...about, stages: request.stages.map((stage) => ({ stage, status: 'pending' })), attempts: [] };
  const { workflow } = stored;
  return {
    ...about,
    stages: workflow.stages.map((stage) => viewStage(stage, workflow)),
    attempts: [...workflow.past, summaryOf(workflow)],
    ...(workflow.error === undefined ? {} : { error: workflow.error }),
  };
}

function viewStage(stage: StageState, workflow: WorkflowState): Record<string, unknown> {
  const { name, status, records_written, started_at, finished_at, detail, error, absent } = stage;
  const load = name === 'load' ? workflow.load : undefined;
  return {
    stage: name,
    status,
    ...(load === undefined
      ? {}
      : { shards_done: load.done, shards_total: load.total, shards_in_flight: isActive(workflow.status) ? load.flight.length : 0 }),
    records_written,
    ...(absent === undefined ? {} : { absent: absent.listed, absent_count: absent.listed.length + absent.more }),
    ...(started_at === undefined ? {} : { started_at }),
    ...(finished_at === undefined ? {} : { finished_at }),
    ...(detail === undefined ? {} : { detail }),
    ...(error === undefined ? {} : { error }),
  };
}

/**
 * A workflow with what the ledger says of its rows now: `rows_counted` are the proven rows in the store, whoever loaded them, and `absent` every hole that
 * the exchange itself has in the range, with its evidence.
 */
export async function describeWorkflow(document: WorkflowDocument, market: MarketStore): Promise<Record<string, unknown>> {
  const summary = summariseWorkflow(document);
  const stored = storedState(document);
  if (stored.kind === 'pending') return summary;
  const { workflow } = stored;
  const selections = selectionsOf(workflow.request, workflow.as_of);
  if (selections.length === 0 || (workflow.status === 'loading' && selections.length > MAX_WHILE_LOADING)) return summary;
  const coverages = await readCoverages(market, selections);
  const rows = await Promise.all(coverages.map((coverage) => countProven(coverage, market)));
  const absent = coverages.flatMap(({ series, holes }) =>
    holes.flatMap((hole) => ('evidence' in hole ? [{ ...(hole as Absence), series }] : [])),
  );
  const found = {
    rows_counted: rows.reduce((sum, count) => sum + count, 0),
    absent: absent.slice(0, MAX_ABSENT),
    absent_count: absent.length,
    complete: coverages.every((coverage) => coverage.complete),
  };
  const stages = workflow.stages.map((stage) =>
    stage.name === 'load' ? { ...viewStage(stage, workflow), ...found } : viewStage(stage, workflow),
  );
  return { ...summary, stages };
}

/**
 * Rows that are stored and proven: counted from the ledger's ranges; a range that the asked one cuts, and one whose buckets open at times that only the
 * rows tell, is counted in the store.
 */
async function countProven({ series, ranges }: Coverage, market: MarketStore): Promise<number> {
  const parsed = parseSeriesId(series);
  const { interval } = parsed;
  const counts = await Promise.all(
    ranges.map(async (range) => {
      if (interval !== undefined && !hasUnverifiedPhase(interval)) return countBuckets(interval, range.from, range.to);
      return hasIds(range) ? range.to_id - range.from_id + 1 : await market.countRows(parsed, { from: range.from, to: range.to });
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}
