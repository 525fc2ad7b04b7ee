import type { ErrorCode } from '../../shared/domain/errors.ts';
import type { Relation } from '../../shared/domain/graph/graph.ts';
import type { BackendName, LoadedBackend } from '../../shared/gnn/backend-names.ts';
import type { Experiment } from '../../shared/gnn/experiment.ts';
import type { TrainingTask } from '../../shared/gnn/hyper.ts';
import type { Progress } from '../../shared/gnn/train-members.ts';
import type { TrainingGraph } from '../../shared/gnn/training-graph.ts';

/** Arrays of a graph by the name under which they are sent. */
export type ArrayName = 'openTime' | 'close' | 'imputed' | 'x' | `${Relation}.${'src' | 'dst'}`;
export type GraphArray = Float64Array | Float32Array | Int32Array | Uint8Array;

/** What the trainer is sent: how large the graph is, its arrays piece by piece, then the word to begin. */
export type ToTrainer =
  | {
      readonly kind: 'open';
      readonly size: Pick<TrainingGraph, 'symbols' | 'bars' | 'features'>;
      readonly edges: Readonly<Record<Relation, number>>;
    }
  | { readonly kind: 'piece'; readonly name: ArrayName; readonly offset: number; readonly values: GraphArray }
  | { readonly kind: 'train'; readonly task: TrainingTask };

/** What it answers: the backend that came up (before anything is trained), news of each epoch, and the end. */
export type FromTrainer =
  | { readonly kind: 'backend'; readonly backend: LoadedBackend }
  | { readonly kind: 'epoch'; readonly progress: Progress }
  | { readonly kind: 'trained'; readonly experiment: Experiment; readonly cpuSeconds: number }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string; readonly context: Readonly<Record<string, unknown>> };

/** How often the trainer gives a sign of life: a byte on stdout. */
export const BEAT_MS = 500;

/** The backends to try are the trainer's only argument: a JSON array. */
export function backendsArgument(names: readonly BackendName[]): string {
  return JSON.stringify(names);
}
