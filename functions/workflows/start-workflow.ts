import { AppError } from '../../shared/domain/errors.ts';
import { countShards, type SeriesPlan } from '../../shared/domain/plan.ts';
import { parseSeriesId } from '../../shared/domain/series.ts';
import { checkSelections, normaliseRequest, pathOfSymbol, type RawRequest, refusal } from '../../shared/domain/workflow/normalise.ts';
import type { PlanFigures } from '../../shared/domain/workflow/plan-figures.ts';
import { queueId } from '../../shared/domain/workflow/queue-id.ts';
import {
  effectiveTo,
  resultOf,
  type Selection,
  selectionsOf,
  symbolsOf,
  typesOf,
  type WorkflowRequest,
} from '../../shared/domain/workflow/request.ts';
import type { WorkflowStatus } from '../../shared/domain/workflow/state.ts';
import { type WorkflowRequested, workflowRequested } from '../../shared/events/workflow-requested.ts';
import type { Context } from '../../shared/runtime/context.ts';
import type { WorkflowDocument } from '../../shared/store/workflow-store.ts';
import type { WorkflowsConfig } from './config.ts';
import { foldedState, pendingDocument, storedState } from './document.ts';
import { checkFirstRows, checkSymbols, exchangeTime } from './exchange-facts.ts';
import { requestHash, shortIdOfKey } from './identity.ts';
import { readCoverages, readLacking } from './lacking.ts';
import { withStoredGraph } from './stored-graph.ts';

/** What the caller of `POST /workflows` is answered. */
export interface StartedWorkflow {
  readonly queue_id: string;
  readonly status: WorkflowStatus;
  readonly effective_to: number;
  readonly plan: PlanFigures;
  readonly links: Readonly<Record<string, string>>;
}

/** How a caller makes its call repeatable, and what cancels it. `queueId` is an id that the caller brought itself. */
export interface StartOptions {
  readonly key?: string;
  readonly queueId?: string;
  readonly signal: AbortSignal;
}

/** Ids that may be taken before the search for a free one is given up: six characters of 36 are taken by chance once in billions. */
const MAX_ROUNDS = 8;

/**
 * Takes a request: checks it against the exchange's clock and symbols and the ledger, writes the pending document, and appends it to the log. When it
 * resolves the log has it. The same key (or queue id) with the same request is the same workflow; with another one `idempotency_mismatch`.
 */
export async function startWorkflow(raw: RawRequest, options: StartOptions, context: Context<WorkflowsConfig>): Promise<StartedWorkflow> {
  const request = normaliseRequest(await withStoredGraph(raw, context));
  const hash = requestHash(request);
  const known = await findKnown(options, context);
  if (known !== undefined) return await repeat(known, hash, options, context);
  const asked = await describe(request, (symbol) => pathOfSymbol(raw, symbol), options.signal, context);
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const shortId = options.key === undefined ? context.random.id(6) : shortIdOfKey(options.key, round);
    const id = options.queueId ?? nameOf(request, shortId);
    const key = options.key === undefined ? {} : { idempotency_key: options.key };
    const requested: WorkflowRequested = { queue_id: id, ...request, ...key, ...asked, request_hash: hash };
    const { created, stored } = await context.ports.workflows.insertPending(pendingDocument(requested, context.clock.now()));
    if (created) return await publish(stored, options, context);
    const isSame = options.key === undefined ? options.queueId !== undefined : stored.idempotency_key === options.key;
    if (isSame) return await repeat(stored, hash, options, context);
  }
  throw new AppError('store_unavailable', 'No free queue id was found. Ask again.');
}

function nameOf(request: WorkflowRequest, shortId: string): string {
  return queueId({ symbol: symbolsOf(request)[0] ?? '', type: typesOf(request)[0] ?? '', from: request.from, shortId });
}

async function findKnown({ key, queueId: id }: StartOptions, context: Context<WorkflowsConfig>): Promise<WorkflowDocument | undefined> {
  const { workflows } = context.ports;
  if (key !== undefined) return await workflows.findByIdempotencyKey(key);
  return id === undefined ? undefined : await workflows.readWorkflow(id);
}

/** The same call again. While its request is not folded it is appended once more: the call before may have died between store and log. */
async function repeat(
  stored: WorkflowDocument,
  hash: string,
  options: StartOptions,
  context: Context<WorkflowsConfig>,
): Promise<StartedWorkflow> {
  if (stored.request_hash !== hash) {
    const by = options.key === undefined ? 'queue id' : 'Idempotency-Key';
    throw new AppError('idempotency_mismatch', `This ${by} belongs to ${stored.queue_id}, which was asked for with another body.`, {
      queue_id: stored.queue_id,
      fields: [
        {
          path: options.key === undefined ? 'queue_id' : 'Idempotency-Key',
          problem: 'was used with another body',
          allowed: 'the same body, or another key',
        },
      ],
    });
  }
  return await publish(stored, options, context);
}

async function publish(stored: WorkflowDocument, { signal }: StartOptions, context: Context<WorkflowsConfig>): Promise<StartedWorkflow> {
  const state = storedState(stored);
  if (state.kind === 'pending') {
    await context.publisher.publish(
      [workflowRequested.build(state.requested, { producer: context.functionName, time: stored.created_at })],
      { signal },
    );
  }
  const effective_to = state.kind === 'pending' ? state.requested.effective_to : state.workflow.effective_to;
  const { queue_id, status } = stored;
  return { queue_id, status, effective_to, plan: state.plan, links: linksOf(queue_id) };
}

/** Where a workflow is read, followed, stopped and resumed. */
export function linksOf(id: string): Readonly<Record<string, string>> {
  const self = `/workflows/${id}`;
  return { self, events: `${self}/events`, stop: `${self}/stop`, resume: `${self}/resume` };
}

/** The exchange's clock and what the ledger lacks: what a request and a resume carry, so that the fold has to ask nobody. */
export interface Asked {
  readonly as_of: number;
  readonly effective_to: number;
  readonly lacking: readonly SeriesPlan[];
}

async function describe(
  request: WorkflowRequest,
  pathOf: (symbol: string) => string,
  signal: AbortSignal,
  context: Context<WorkflowsConfig>,
): Promise<Asked> {
  if (request.stages.includes('load')) return await describeLoad(request, pathOf, signal, context);
  // A stored graph is trained on as it is; a graph that is built ends with the last bucket that has closed.
  if (!request.stages.includes('build-graph')) return await describeLack(request, context.clock.now(), context);
  const as_of = await exchangeTime(context.ports.exchange(request.exchange), context, signal);
  const result = resultOf(request, as_of);
  checkSelections(result);
  await checkProven(result, context);
  return await describeLack(request, as_of, context);
}

async function describeLoad(
  request: WorkflowRequest,
  pathOf: (symbol: string) => string,
  signal: AbortSignal,
  context: Context<WorkflowsConfig>,
): Promise<Asked> {
  const exchange = context.ports.exchange(request.exchange);
  const [as_of] = await Promise.all([
    exchangeTime(exchange, context, signal),
    checkSymbols(exchange, symbolsOf(request), pathOf, context, signal),
  ]);
  const selections = selectionsOf(request, as_of);
  checkSelections(selections);
  const asked = await describeLack(request, as_of, context);
  const untouched = asked.lacking.flatMap(({ series, ranges }, index) => {
    const selection = selections[index];
    const isWhole = selection !== undefined && ranges[0]?.from === selection.from && ranges[0].to === selection.to;
    return isWhole ? [{ series: parseSeriesId(series), selection }] : [];
  });
  await checkFirstRows(exchange, untouched, context, signal);
  checkSize(asked.lacking, context.config.maxPlanShards);
  return asked;
}

/** What the ledger lacks of a request when the exchange's clock says `asOf`. */
export async function describeLack(request: WorkflowRequest, asOf: number, context: Context<WorkflowsConfig>): Promise<Asked> {
  const lacking = request.stages.includes('load') ? await readLacking(context.ports.market, selectionsOf(request, asOf)) : [];
  return { as_of: asOf, effective_to: effectiveTo(request, asOf), lacking };
}

function checkSize(lacking: readonly SeriesPlan[], most: number): void {
  const shards = countShards(lacking);
  if (shards <= most) return;
  throw refusal([
    {
      path: 'time_range',
      problem: `makes a plan of ${shards} shards`,
      allowed: `at most ${most}: a shorter range, fewer symbols or types`,
      code: 'invalid_request',
    },
  ]);
}

/** The last stages alone work over rows that are proven: refuses with `state_conflict` where they are not. */
async function checkProven(selections: readonly Selection[], context: Context<WorkflowsConfig>): Promise<void> {
  const open = (await readCoverages(context.ports.market, selections)).filter((coverage) => !coverage.complete);
  const [first] = open;
  if (first === undefined) return;
  const hole = first.holes[0];
  const where = hole === undefined ? '' : ` (first hole ${new Date(hole.from).toISOString()} to ${new Date(hole.to).toISOString()})`;
  const others = open.length > 1 ? ` and ${open.length - 1} more series` : '';
  throw new AppError(
    'state_conflict',
    `The rows of ${first.series}${others} are not proven for this range${where}: put the stage load before.`,
    {
      series: open.slice(0, 10).map(({ series }) => series),
    },
  );
}

/** The request of a stored workflow, folded or not. */
export function requestOf(document: WorkflowDocument): WorkflowRequest {
  const state = storedState(document);
  return state.kind === 'pending' ? state.requested : (foldedState(document)?.request ?? state.workflow.request);
}
