import { type Interval, pairedDifference, scoreIntervals } from './bootstrap.ts';
import { mostLikely, type Predictions, type Scores, scoresOf, sumByBlock, type TestNodes } from './metrics.ts';
import type { Prepared } from './prepare.ts';
import { type Verdict, verdictOf } from './verdict.ts';

/** Scores with their 95 % intervals. */
export interface Scored extends Scores {
  readonly ci: { readonly [K in keyof Scores]: Interval | null };
}

/** What the test bars say of a model. */
export interface Evaluation {
  readonly nodes: number;
  /** Blocks of whole UTC days that the intervals were drawn from. */
  readonly blocks: number;
  readonly metrics: Scored;
  readonly baselines: Readonly<Record<string, Scored>>;
  /** Accuracy of the model minus that of each baseline, on the same nodes and the same draws. */
  readonly paired: Readonly<Record<string, { readonly diff: number; readonly ci: Interval }>>;
  readonly verdict: Verdict;
}

/** Scores a model against all baselines on the labelled test nodes. */
export function evaluate(model: Predictions, baselines: Readonly<Record<string, Predictions>>, nodes: TestNodes): Evaluation {
  const own = sumByBlock(model, nodes);
  const others = Object.entries(baselines).map(([name, predictions]) => [name, sumByBlock(predictions, nodes)] as const);
  const paired = Object.fromEntries(others.map(([name, sums]) => [name, pairedDifference(own, sums)]));
  const scored = (sums: typeof own): Scored => ({ ...scoresOf(sums), ci: scoreIntervals(sums) });
  return {
    nodes: nodes.classes.length,
    blocks: nodes.blocks,
    metrics: scored(own),
    baselines: Object.fromEntries(others.map(([name, sums]) => [name, scored(sums)])),
    paired,
    verdict: verdictOf(paired, nodes.blocks),
  };
}

/** Predictions out of probabilities `[nodes, classes]`. */
export function predictionsOf(probabilities: Float32Array, classCount: number): Predictions {
  return { classes: mostLikely(probabilities, classCount), probabilities };
}

/** `majority`: the most frequent class of the training bars, with their shares as odds. */
export function majorityOf({ prior, test }: Prepared): Predictions {
  const probabilities = new Float32Array(test.classes.length * prior.length);
  for (let i = 0; i < test.classes.length; i++) probabilities.set(prior, i * prior.length);
  return predictionsOf(probabilities, prior.length);
}

/** `persistence`: the label that was completed at the node's close, which is that of the node `horizon` bars before; the majority where it has none. */
export function persistenceOf({ classes, prior, split }: Prepared, symbols: number, horizon: number): Predictions {
  const usual = prior.indexOf(Math.max(...prior));
  const said: number[] = [];
  for (let node = split.test.from * symbols; node < split.test.to * symbols; node++) {
    if ((classes[node] as number) < 0) continue;
    const completed = classes[node - horizon * symbols] ?? -1;
    said.push(completed < 0 ? usual : completed);
  }
  return { classes: Int32Array.from(said) };
}
