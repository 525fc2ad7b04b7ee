import type { ErrorCode } from '../errors.ts';
import { INTERVALS, type Interval, isInterval } from '../interval.ts';
import type { Kind } from '../series.ts';

/** What a `type` of a request stands for. `history`: rows over REST; `stages`: the last stages alone; `later`: known by name, not there yet. */
export type WorkflowType =
  | { readonly name: string; readonly does: 'history'; readonly kind: Kind; readonly interval?: Interval }
  | { readonly name: string; readonly does: 'stages' }
  | { readonly name: string; readonly does: 'later' };

/** Why a text is no type that can be asked for. */
export interface TypeProblem {
  readonly code: Extract<ErrorCode, 'invalid_request' | 'not_yet_supported'>;
  readonly problem: string;
  readonly allowed: string;
}

const HISTORY: readonly WorkflowType[] = [
  ...INTERVALS.map((interval): WorkflowType => ({ name: `api_candles_${interval}`, does: 'history', kind: 'candles', interval })),
  { name: 'api_trades', does: 'history', kind: 'trades' },
  { name: 'api_agg_trades', does: 'history', kind: 'agg-trades' },
];

const LIVE = [...INTERVALS.map((interval) => `ws_candles_${interval}`), 'ws_trades', 'ws_agg_trades', 'ws_depth', 'ws_quotes', 'ws_ticker'];
const ANALYSIS = ['realtime_graph', 'realtime_gnn_infer', 'graph_metrics_stream'];

/** Every type that the platform knows, in the order of its contract. */
export const WORKFLOW_TYPES: readonly WorkflowType[] = [
  ...HISTORY,
  ...LIVE.map((name): WorkflowType => ({ name, does: 'later' })),
  { name: 'gnn_graph', does: 'stages' },
  { name: 'gnn_train', does: 'stages' },
  ...ANALYSIS.map((name): WorkflowType => ({ name, does: 'later' })),
];

/** What can be asked for today, as it is told to a caller who asked for something else. */
export const ALLOWED_TYPES = `api_candles_<interval> with one of ${INTERVALS.join(', ')}; api_trades; api_agg_trades; gnn_graph; gnn_train`;

/** Names of the published platform that mean one of ours. */
const ALIASES: Readonly<Record<string, string>> = {
  api_trade: 'api_trades',
  api_agg_trade: 'api_agg_trades',
  ws_trade: 'ws_trades',
  ws_agg_trade: 'ws_agg_trades',
  ws_orderbook: 'ws_depth',
  orderbook_snapshot: 'ws_depth',
};

const BY_NAME = new Map(WORKFLOW_TYPES.map((type) => [type.name, type]));

/** The bare names that take their interval from the field `interval`. */
const WITH_INTERVAL = ['api_candles', 'ws_candles'];

/**
 * The type that `text` names, aliases resolved; `api_candles` takes its interval from the field beside it. What is known but not there yet is
 * `not_yet_supported`, anything else `invalid_request`.
 */
export function resolveType(text: string, interval?: string): WorkflowType | TypeProblem {
  let name = ALIASES[text] ?? text;
  if (WITH_INTERVAL.includes(name)) {
    if (interval === undefined)
      return { code: 'invalid_request', problem: 'needs an interval', allowed: `${name}_<interval>, or interval beside it` };
    name = `${name}_${interval}`;
  }
  const type = BY_NAME.get(name);
  if (type === undefined) return { code: 'invalid_request', problem: unknownProblem(name), allowed: ALLOWED_TYPES };
  if (type.does === 'later') {
    const reason = LIVE.includes(type.name)
      ? 'is not yet supported: it needs the WebSocket ingester, which is not part of this version'
      : 'is not yet supported';
    return { code: 'not_yet_supported', problem: reason, allowed: ALLOWED_TYPES };
  }
  return type;
}

export function isTypeProblem(resolved: WorkflowType | TypeProblem): resolved is TypeProblem {
  return 'problem' in resolved;
}

function unknownProblem(name: string): string {
  const interval = /^(?:api|ws)_candles_(.+)$/.exec(name)?.[1];
  return interval === undefined || isInterval(interval)
    ? 'is not a type'
    : `has no interval that the exchange knows (${interval.slice(0, 20)})`;
}
