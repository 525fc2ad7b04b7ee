import { jobClaimKey, shardClaimKey } from '../../shared/domain/workflow/claim-keys.ts';
import { currentStage } from '../../shared/domain/workflow/stages.ts';
import type { WorkflowStatus } from '../../shared/domain/workflow/state.ts';
import type { StreamEvent } from '../../shared/events/event.ts';
import { workflowRequested } from '../../shared/events/workflow-requested.ts';
import { workflowTick } from '../../shared/events/workflow-tick.ts';
import type { Context } from '../../shared/runtime/context.ts';
import type { WorkflowDocument, WorkflowStore } from '../../shared/store/workflow-store.ts';
import type { WorkflowsConfig } from './config.ts';
import { foldedState, storedState } from './document.ts';

/** A request that is stored and not folded after this time is appended again: the server that took it may have died before the log had it. */
const PENDING_AFTER_MS = 10_000;
const PAGE = 200;
/** At most 32 shards are out. */
const MAX_OUT = 64;

/** Commands are kept for seven days; a claim on work that old is asked for by none of them. */
const CLAIMS_KEPT_MS = 8 * 86_400_000;
const FORGET_EVERY_MS = 3_600_000;

/** When claims were last forgotten, by store. */
const forgottenAt = new WeakMap<WorkflowStore, number>();

/** When a workflow was last told to look again, by store: whoever waits in a queue is not told every few seconds. */
const nudges = new WeakMap<WorkflowStore, Map<string, number>>();

/**
 * Looks for what stays silent, since absence wakes nobody: a request that the log never got, a shard that is out without a verdict and without a live
 * claim, a job whose claim has expired or that nobody took. Says `workflow-tick` for each such workflow; the fold sends again what is out. Once an hour it
 * also forgets old claims.
 */
export async function tick(context: Context<WorkflowsConfig>): Promise<void> {
  const [pending, ...active] = await Promise.all(
    (['pending', 'loading', 'building', 'training'] as const).map((status) => listAll(status, context)),
  );
  const events: StreamEvent[] = (pending ?? []).flatMap((document) => askAgain(document, context));
  for (const document of active.flat()) {
    if (!(await isSilent(document, context))) continue;
    const { queue_id, status, attempt } = document;
    context.logger.warn({ queue_id, status, attempt }, 'the workflow has been silent for too long: what is out is sent again');
    events.push(workflowTick.build({ queue_id }, { producer: context.functionName, time: context.clock.now() }));
    nudgesOf(context).set(queue_id, context.clock.now());
  }
  if (events.length > 0) await context.publisher.publish(events, { signal: context.signal });
  forgetEnded(active.flat(), context);
  await forgetClaims(context);
}

/** Every shard leaves a claim behind: without this they would be the one collection that only grows. */
async function forgetClaims({ ports, clock, logger }: Context): Promise<void> {
  const now = clock.now();
  if (now - (forgottenAt.get(ports.workflows) ?? Number.NEGATIVE_INFINITY) < FORGET_EVERY_MS) return;
  forgottenAt.set(ports.workflows, now);
  const claims = await ports.workflows.forgetClaims(now - CLAIMS_KEPT_MS);
  if (claims > 0) logger.info({ claims }, 'claims on work that nothing asks for any more were forgotten');
}

async function listAll(status: WorkflowStatus, context: Context): Promise<readonly WorkflowDocument[]> {
  const all: WorkflowDocument[] = [];
  let cursor: string | undefined;
  do {
    const page = await context.ports.workflows.listWorkflows({ status, limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    all.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return all;
}

function askAgain(document: WorkflowDocument, context: Context): StreamEvent[] {
  const state = storedState(document);
  if (state.kind !== 'pending' || context.clock.now() - document.created_at < PENDING_AFTER_MS) return [];
  context.logger.warn({ queue_id: document.queue_id }, 'the request is stored and not folded: it is appended again');
  return [workflowRequested.build(state.requested, { producer: context.functionName, time: document.created_at })];
}

async function isSilent(document: WorkflowDocument, context: Context<WorkflowsConfig>): Promise<boolean> {
  const state = foldedState(document);
  const stage = state === undefined ? undefined : currentStage(state);
  if (stage === undefined) return false;
  if (stage.name === 'load') return await hasSilentShard(document, context);
  return await isJobSilent(document, stage.name, stage.started_at ?? document.updated_at, context);
}

async function hasSilentShard({ queue_id, attempt }: WorkflowDocument, context: Context<WorkflowsConfig>): Promise<boolean> {
  const { workflows } = context.ports;
  const now = context.clock.now();
  const out = await workflows.readShards(queue_id, { attempt, status: 'sent', limit: MAX_OUT });
  const silentMs = context.config.silentSeconds * 1_000;
  for (const shard of out) {
    const quietMs = now - shard.updated_at;
    if (quietMs < silentMs / 2) continue;
    const claim = await workflows.readClaim(shardClaimKey(shard));
    // Being fetched while the lease runs; one that ran out belongs to nobody any more, and is told half as late as any other silence.
    const isLeased = claim !== undefined && !claim.done;
    if (isLeased ? claim.until <= now : quietMs >= silentMs) return true;
  }
  return false;
}

async function isJobSilent(
  document: WorkflowDocument,
  stage: 'build-graph' | 'train',
  since: number,
  context: Context<WorkflowsConfig>,
): Promise<boolean> {
  const now = context.clock.now();
  const claim = await context.ports.workflows.readClaim(jobClaimKey(stage, document));
  const nudged = nudgesOf(context).get(document.queue_id);
  const silentMs = context.config.silentSeconds * 1_000;
  // A lease that ran out belongs to nobody any more: told at once, then as seldom as any other silence.
  if (claim !== undefined && !claim.done && claim.until <= now) return nudged === undefined || now - nudged >= silentMs;
  return claim === undefined && now - Math.max(since, nudged ?? 0) >= silentMs;
}

function nudgesOf(context: Context): Map<string, number> {
  const { workflows } = context.ports;
  const found = nudges.get(workflows) ?? new Map<string, number>();
  nudges.set(workflows, found);
  return found;
}

function forgetEnded(active: readonly WorkflowDocument[], context: Context): void {
  const known = new Set(active.map(({ queue_id }) => queue_id));
  for (const id of nudgesOf(context).keys()) if (!known.has(id)) nudgesOf(context).delete(id);
}
