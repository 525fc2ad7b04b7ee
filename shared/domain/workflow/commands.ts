import type { GraphParams } from '../graph/graph.ts';
import type { Interval } from '../interval.ts';
import type { SeriesRange } from '../range.ts';
import type { ExchangeName } from '../series.ts';
import type { ComponentNews } from './facts.ts';
import type { TrainRequest } from './request.ts';

/** One shard of history to fetch; a try above 1 carries the hull of what is missing under the same shard id. */
export interface FetchShardCommand extends SeriesRange {
  readonly queue_id: string;
  readonly attempt: number;
  readonly shard: string;
  readonly try: number;
  readonly series: string;
}

/** One graph to build from proven candles. */
export interface BuildGraphCommand extends GraphParams {
  readonly queue_id: string;
  readonly attempt: number;
  readonly exchange: ExchangeName;
  readonly interval: Interval;
  readonly symbols: readonly string[];
  readonly from: number;
  readonly to: number;
}

/** One model to train on a stored graph. */
export interface TrainCommand extends Omit<TrainRequest, 'graph_id'> {
  readonly queue_id: string;
  readonly attempt: number;
  readonly symbol: string;
  readonly graph_id: string;
}

/** A message of the published platform on `queue-control`: a nudge and a record, nothing depends on it. */
export interface ControlMessage {
  readonly command: 'start' | 'stop';
  readonly queue_id: string;
  readonly target?: string;
  readonly symbol?: string;
  readonly type?: string;
  readonly time_range?: string;
  readonly kafka_topic?: string;
  readonly collection_name?: string;
  readonly telemetry_id?: string;
  readonly image?: string;
  readonly timestamp: number;
}

/** What a step of the fold wants to be sent, in order. The ids of the events made from it are derived, so sending it again is harmless. */
export type WorkflowCommand =
  | { readonly kind: 'fetch-shard'; readonly data: FetchShardCommand }
  | { readonly kind: 'build-graph'; readonly data: BuildGraphCommand }
  | { readonly kind: 'train'; readonly data: TrainCommand }
  | { readonly kind: 'queue-event'; readonly data: ComponentNews }
  | { readonly kind: 'command'; readonly data: ControlMessage };
