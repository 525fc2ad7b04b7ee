import type { ExchangeName } from './series.ts';

const MINUTE_MS = 60_000;
/** Share of the limit that history leaves for repairs and snapshots. */
const RESERVE = 0.2;
/** Share of the limit that nobody is given: reading the exchange's clock happens before its minute is known, and is counted behind. */
const CLOCK_READS = 0.005;
/** One lease of history, as a share of its allowance: eight processes that keep one each waste three hundredths at most. */
const CHUNK = 0.004;
/** One lease of the urgent: they are few, and what they leave unspent is lost to history. */
const URGENT_CHUNK = 0.001;
/** Near the end of the allowance a lease takes no more than this part of what is left beyond the need. */
const LAST_PART = 8;
/** Callers that wait together are served by one lease, up to this part of the allowance. */
const MOST_PART = 16;
/** Shares are kept for their workflows until here, ms into the minute; then they are opened bit by bit. */
const KEPT_MS = 30_000;
/** From here on whoever asks may have everything that is left: time enough to spend it. */
const OPEN_MS = 54_000;
/** Shortest wait of a workflow that others' shares keep waiting. */
const SHARE_WAIT_MS = 250;
/** Error of a clock that nothing has checked yet: a freeze is over for it only when it is over by this much. */
const UNCHECKED_CLOCK_MS = 120_000;

/** What one workflow has to do with the budget: weight granted to it in the document's minute, and the last minute in which it asked. */
export interface WorkflowShare {
  readonly granted: number;
  readonly asked: number;
}

/**
 * The request budget of one exchange, shared by everybody behind one address (`request_budget`). Minutes and times are the exchange's own.
 *
 * `{"exchange":"binance","minute":28707840,"limit":6000,"granted":412,"frozen_until":0,"workflows":{"wf-…":{"granted":400,"asked":28707840}},"rev":17}`
 */
export interface BudgetDocument {
  readonly exchange: ExchangeName;
  /** Number of the minute that `granted` counts: epoch ms / 60,000. */
  readonly minute: number;
  /** The exchange's weight limit a minute. */
  readonly limit: number;
  /** Weight leased out in this minute; never below what the exchange's header said. */
  readonly granted: number;
  /** Nobody sends anything before; epoch ms, 0 for never. */
  readonly frozen_until: number;
  /** When the freeze was told: it lasts no longer than from here to its end, whatever a clock says. */
  readonly frozen_at?: number;
  /** The same moment by the clock of the host that was told: a process of that host knows the exchange's clock from it. */
  readonly frozen_host_at?: number;
  /** What the exchange answered. */
  readonly frozen_by?: string;
  /** By queue id; requests on nobody's behalf stand under the empty name. */
  readonly workflows: Readonly<Record<string, WorkflowShare>>;
  /** 0: not stored yet. Rises by one with each write. */
  readonly rev: number;
}

/** Who wants weight. */
export interface BudgetDemand {
  /** By the exchange's clock, epoch ms. */
  readonly now: number;
  /** Least weight that is of use. */
  readonly weight: number;
  /** Weight of all who wait together; default: `weight`. */
  readonly wanted?: number;
  /** Repairs and snapshots: may use the reserve. */
  readonly urgent: boolean;
  /** The queue id on whose behalf is asked. */
  readonly workflow?: string;
  /** Used weight of this very minute as the exchange's header told it. */
  readonly used?: number;
  /** The limit as the exchange told it. */
  readonly limit?: number;
  /** The end of a freeze that the caller has waited out since it saw it first. Such a freeze is over, whatever the clock said that told it. */
  readonly outlived?: number;
}

/** What was granted: 0 and when to ask again (exchange's clock, epoch ms), or at least the weight asked. */
export interface BudgetGrant {
  /** The same object where nothing has changed. */
  readonly document: BudgetDocument;
  readonly granted: number;
  readonly retry_at?: number;
}

/** A freeze as the exchange told it: both times by its clock. */
export interface BudgetFreeze {
  readonly until: number;
  readonly at: number;
  /** `at` by the clock of the host that was told. */
  readonly host_at: number;
  readonly by: string;
  /** False where `at` is a guess, because the exchange's clock was never read: then no minute is told from it. */
  readonly measured: boolean;
}

/** A budget that nobody has used. */
export function emptyBudget(exchange: ExchangeName, limit: number): BudgetDocument {
  return { exchange, minute: 0, limit, granted: 0, frozen_until: 0, workflows: {}, rev: 0 };
}

/** Weight a minute that history may have of a limit. */
export function historyAllowance(limit: number): number {
  return Math.floor(limit * (1 - RESERVE));
}

/** Weight a minute that may be leased at all. */
export function wholeAllowance(limit: number): number {
  return Math.floor(limit * (1 - CLOCK_READS));
}

/**
 * The document in `minute`: a new one begins with nothing granted and remembers who asked in the one before. A document more than a minute ahead was
 * written by another clock (clocks are read from the exchange itself): it begins anew, without its freeze. One that is a minute ahead stays.
 */
export function turnBudget(document: BudgetDocument, minute: number): BudgetDocument {
  if (minute === document.minute || minute === document.minute - 1) return document;
  if (minute < document.minute) return { ...emptyBudget(document.exchange, document.limit), minute, rev: document.rev };
  const asking = Object.entries(document.workflows).filter(([, { asked }]) => asked >= minute - 1);
  return {
    ...document,
    minute,
    granted: 0,
    workflows: Object.fromEntries(asking.map(([name, { asked }]) => [name, { granted: 0, asked }])),
  };
}

/** Counts at least what the exchange says that it has counted in the document's minute: others than us may use the address. */
export function noteUsed(document: BudgetDocument, used: number | undefined): BudgetDocument {
  return used === undefined || used <= document.granted ? document : { ...document, granted: used };
}

/** A freeze only ever grows. */
export function freezeBudget(document: BudgetDocument, { until, at, host_at, by, measured }: BudgetFreeze): BudgetDocument {
  const turned = measured ? turnBudget(document, minuteOf(at)) : document;
  if (until <= turned.frozen_until) return turned;
  return { ...turned, frozen_until: until, frozen_at: at, frozen_host_at: host_at, frozen_by: by };
}

/** How long the freeze still holds at `now` by the exchange's clock, in ms; at most as long as it was told for. 0: none. */
export function freezeLeft({ frozen_until, frozen_at = 0 }: BudgetDocument, now: number): number {
  return Math.max(0, Math.min(frozen_until - now, frozen_until - frozen_at));
}

/** The same for a process that knows its host's clock alone, which may be minutes wrong: rather too long than too short. */
export function freezeLeftUnchecked(document: BudgetDocument, hostNow: number): number {
  const { frozen_at = 0, frozen_host_at = frozen_at } = document;
  const now = Math.min(hostNow, hostNow + frozen_at - frozen_host_at);
  return freezeLeft(document, now - UNCHECKED_CLOCK_MS);
}

/**
 * Grants weight in the exchange's running minute, or says when to ask again. History has its allowance, the urgent have the reserve too. A workflow that
 * asked in this or the last minute keeps its share (allowance / number of such workflows) against others until late in the minute.
 */
export function grantBudget(document: BudgetDocument, demand: BudgetDemand): BudgetGrant {
  const { now, weight, urgent, workflow = '' } = demand;
  const minute = minuteOf(now);
  const turned = turnBudget(document, minute);
  const current = demand.outlived === turned.frozen_until ? { ...turned, frozen_until: 0 } : turned;
  if (current.minute > minute) return { document, granted: 0, retry_at: current.minute * MINUTE_MS };
  const frozenMs = freezeLeft(current, now);
  if (frozenMs > 0) return { document, granted: 0, retry_at: now + frozenMs };

  const told = noteUsed(demand.limit === undefined ? current : withLimit(current, demand.limit), demand.used);
  const allowance = historyAllowance(told.limit);
  const mine = told.workflows[workflow]?.granted ?? 0;
  const left = (urgent ? wholeAllowance(told.limit) : allowance) - told.granted;
  const kept = urgent ? 0 : keptForOthers(told, workflow, minute);
  const free = left - Math.ceil(kept * keptPart(now));
  // A share too small for one request is one request: else many workflows would wait for each other.
  const ownShare = Math.max(shareOf(told, workflow, minute), mine === 0 ? weight : 0);
  const available = urgent ? left : Math.max(free, Math.min(left, ownShare - mine));

  let granted = 0;
  if (available >= weight) granted = Math.min(available, leaseSize(demand, allowance, available));
  // A single request above the whole allowance must still be possible, at the head of a minute.
  else if (weight > left + told.granted && Object.values(told.workflows).every((share) => share.granted === 0)) granted = weight;
  const after = withShare(told, workflow, mine + granted, granted, minute);
  if (granted > 0) return { document: after, granted };
  return { document: after, granted, retry_at: retryAt(now, minute, left - weight, kept) };
}

function minuteOf(now: number): number {
  return Math.floor(now / MINUTE_MS);
}

function withLimit(document: BudgetDocument, limit: number): BudgetDocument {
  return limit === document.limit ? document : { ...document, limit };
}

function leaseSize({ weight, wanted = weight, urgent }: BudgetDemand, allowance: number, available: number): number {
  const chunk = Math.floor(Math.min(allowance * (urgent ? URGENT_CHUNK : CHUNK), available / LAST_PART));
  return Math.max(weight, Math.min(wanted, Math.floor(allowance / MOST_PART)), chunk);
}

/** Who has a share in this minute, beside the one that asks. */
function othersAsking({ workflows }: BudgetDocument, workflow: string, minute: number): readonly WorkflowShare[] {
  return Object.entries(workflows).flatMap(([name, share]) => (name !== workflow && share.asked >= minute - 1 ? [share] : []));
}

function shareOf(document: BudgetDocument, workflow: string, minute: number): number {
  return Math.floor(historyAllowance(document.limit) / (othersAsking(document, workflow, minute).length + 1));
}

/** What the others' shares still lack. */
function keptForOthers(document: BudgetDocument, workflow: string, minute: number): number {
  const others = othersAsking(document, workflow, minute);
  const share = shareOf(document, workflow, minute);
  return others.reduce((kept, { granted }) => kept + Math.max(0, share - granted), 0);
}

/** Which part of the others' shares is kept from whoever asks now: 1 at first, 0 late in the minute. */
function keptPart(now: number): number {
  return Math.min(1, Math.max(0, (OPEN_MS - (now % MINUTE_MS)) / (OPEN_MS - KEPT_MS)));
}

function withShare(document: BudgetDocument, workflow: string, total: number, granted: number, minute: number): BudgetDocument {
  const known = document.workflows[workflow];
  if (granted === 0 && known?.asked === minute) return document;
  const workflows = { ...document.workflows, [workflow]: { granted: total, asked: minute } };
  return { ...document, granted: document.granted + granted, workflows };
}

/** When the shares of others are open far enough, or the next minute. */
function retryAt(now: number, minute: number, spare: number, kept: number): number {
  const next = (minute + 1) * MINUTE_MS;
  if (spare < 0 || kept <= 0) return next;
  const open = minute * MINUTE_MS + OPEN_MS - (spare / kept) * (OPEN_MS - KEPT_MS);
  return Math.min(next, Math.max(Math.ceil(open), now + SHARE_WAIT_MS));
}
