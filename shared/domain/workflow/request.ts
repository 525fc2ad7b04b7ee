import type { GraphParams } from '../graph/graph.ts';
import type { Interval } from '../interval.ts';
import { type ExchangeName, type Series, seriesId } from '../series.ts';
import { isTypeProblem, resolveType } from './load-type.ts';
import { seriesEnd } from './time-range.ts';

/** The stages of a workflow, in their order. */
export const STAGES = ['load', 'build-graph', 'train'] as const;
export type Stage = (typeof STAGES)[number];

/** Which symbols are loaded with which types, aliases resolved. */
export interface WorkflowLoad {
  readonly symbols: readonly string[];
  readonly types: readonly string[];
}

/** The graph that is asked for, defaults filled in. */
export interface GraphRequest extends GraphParams {
  readonly interval: Interval;
  readonly symbols: readonly string[];
}

/** The training that is asked for. `horizon` is counted in bars; `graph_id` stands where `train` runs alone over a stored graph. */
export interface TrainRequest {
  readonly graph_id?: string;
  readonly task: 'vol' | 'dir';
  readonly horizon: number;
  readonly model: 'rsage' | 'sgc';
  readonly hidden: number;
  readonly epochs: number;
  readonly seeds: readonly number[];
  readonly backend?: 'tensorflow-gpu' | 'tensorflow' | 'wasm' | 'cpu';
}

/** A component by its published name, as a caller of `/queues/start` wants it told to start. `kafka_topic` and `image` are echoed, never used. */
export interface StartTarget {
  readonly target: string;
  readonly telemetry_id?: string;
  readonly kafka_topic?: string;
  readonly image?: string;
  readonly collection_name?: string;
}

/** A request in its normal form: aliases resolved, defaults filled in, no clock in it. Two requests that mean the same are equal in it. */
export interface WorkflowRequest {
  readonly exchange: ExchangeName;
  /** Empty where the last stages run alone over what is stored. */
  readonly loads: readonly WorkflowLoad[];
  readonly stages: readonly Stage[];
  /** As the caller wrote it. */
  readonly time_range: string;
  /** The range asked, half-open, epoch ms. */
  readonly from: number;
  readonly to: number;
  readonly collection_name?: string;
  /** There where `build-graph` is a stage. */
  readonly graph?: GraphRequest;
  /** There where `train` is a stage. */
  readonly train?: TrainRequest;
  readonly targets?: readonly StartTarget[];
}

/** Defaults of a graph (contracts, Workflows). */
export const GRAPH_DEFAULTS: GraphParams = {
  lags: [1, 2, 3, 12],
  vis_window: 48,
  vis_cap: 4,
  corr_window: 288,
  corr_top: 2,
  lead_window: 2016,
  lead_top: 1,
};

/** Defaults of a training (contracts, Workflows). */
export const TRAIN_DEFAULTS = { task: 'vol', horizon: 12, model: 'rsage', hidden: 32, epochs: 60, seeds: [1, 2, 3] } as const;

/** The series that a request names, each once, in the order of its loads. */
export function seriesOf(request: Pick<WorkflowRequest, 'exchange' | 'loads'>): Series[] {
  const found = new Map<string, Series>();
  for (const { symbols, types } of request.loads) {
    for (const symbol of symbols) {
      for (const name of types) {
        const type = resolveType(name);
        if (isTypeProblem(type) || type.does !== 'history') continue;
        const { kind, interval } = type;
        const series: Series = { exchange: request.exchange, symbol, kind, ...(interval === undefined ? {} : { interval }) };
        found.set(seriesId(series), series);
      }
    }
  }
  return [...found.values()];
}

/** One series of a request and its range: from the request's begin to its last closed bucket. Empty (`to` = `from`) where none has closed. */
export interface Selection {
  readonly series: string;
  readonly from: number;
  readonly to: number;
}

/** What a request selects when the exchange's clock says `asOf` (epoch ms). */
export function selectionsOf(request: Pick<WorkflowRequest, 'exchange' | 'loads' | 'from' | 'to'>, asOf: number): Selection[] {
  const { from, to } = request;
  return seriesOf(request).map((series) => ({ series: seriesId(series), from, to: Math.max(from, seriesEnd(series, to, asOf)) }));
}

/** The end that is shown to the caller: the latest of its series' ends. */
export function effectiveTo(request: WorkflowRequest, asOf: number): number {
  return resultOf(request, asOf).reduce((latest, { to }) => Math.max(latest, to), request.from);
}

/** The series and ranges that a workflow's result is made of: those of its loads, else the candles of its graph. */
export function resultOf(request: WorkflowRequest, asOf: number): Selection[] {
  const selections = selectionsOf(request, asOf);
  if (selections.length > 0 || request.graph === undefined) return selections;
  const { exchange, from, to, graph } = request;
  const end = Math.max(from, seriesEnd(graph, to, asOf));
  return graph.symbols.map((symbol) => ({
    series: seriesId({ exchange, symbol, kind: 'candles', interval: graph.interval }),
    from,
    to: end,
  }));
}

/** The symbols of a request, each once: of its loads, else of its graph. */
export function symbolsOf(request: WorkflowRequest): string[] {
  const symbols = request.loads.flatMap((load) => load.symbols);
  return [...new Set(symbols.length > 0 ? symbols : (request.graph?.symbols ?? []))];
}

/** The types of a request, each once; `gnn_graph` or `gnn_train` where it loads nothing. */
export function typesOf(request: WorkflowRequest): string[] {
  const types = request.loads.flatMap((load) => load.types);
  if (types.length > 0) return [...new Set(types)];
  return [request.stages.includes('train') ? 'gnn_train' : 'gnn_graph'];
}
