import type { Mutant } from './mutant.ts';

const EDGES = ['tests/domain/graph/edges.test.ts'];
const EVALUATION = ['tests/gnn/evaluation.test.ts'];

/** Graphs, training and what is said of a model. */
export const MODEL_MUTANTS: readonly Mutant[] = [
  {
    name: 'edges of time run both ways',
    file: 'shared/domain/graph/time-edges.ts',
    find: 'if (src >= 0 && grid.imputed[src] === 0) edges.push(src, node, lag);',
    replace: 'if (src >= 0 && grid.imputed[src] === 0) { edges.push(src, node, lag); edges.push(node, src, lag); }',
    tests: EDGES,
    pattern: 'come from the lags before',
  },
  {
    name: 'a bar without a candle sends edges',
    file: 'shared/domain/graph/time-edges.ts',
    find: 'if (src >= 0 && grid.imputed[src] === 0) edges.push(src, node, lag);',
    replace: 'if (src >= 0) edges.push(src, node, lag);',
    tests: EDGES,
    pattern: 'neither sent nor received',
  },
  {
    name: 'correlations look into the day that they are for',
    file: 'shared/domain/graph/market-edges.ts',
    find: 'correlation(other, own, lead, t - bars, t, least / 2)',
    replace: 'correlation(other, own, lead, t - bars, t + 24, least / 2)',
    tests: EDGES,
    pattern: 'of the window before the day',
  },
  {
    name: 'neighbours are weighted by the degree of the sender',
    file: 'shared/gnn/csr.ts',
    find: 'return { ...matrix, val };',
    replace:
      'const sent = new Float64Array(matrix.cols); for (const c of matrix.col) sent[c] = (sent[c] as number) + 1; return { ...matrix, val: val.map((w, e) => w / Math.sqrt(sent[matrix.col[e] as number] as number)) };',
    tests: ['tests/gnn/future.test.ts'],
  },
  {
    name: 'a label is made of the bars before its node',
    file: 'shared/domain/graph/labels.ts',
    find: 'if (value !== undefined) values[t * symbols + s] = value;',
    replace: 'if (value !== undefined) values[(t + horizon) * symbols + s] = value;',
    tests: ['tests/domain/graph/labels.test.ts'],
  },
  {
    name: 'the scaler knows the test bars',
    file: 'shared/gnn/prepare.ts',
    find: 'fitScaler(graph, split.train.from, split.train.to)',
    replace: 'fitScaler(graph, split.train.from, bars)',
    tests: EVALUATION,
    pattern: 'knows nothing behind the training bars',
  },
  {
    name: 'the classes are cut by all values',
    file: 'shared/gnn/prepare.ts',
    find: 'classCuts(task, inTraining(values))',
    replace: 'classCuts(task, values)',
    tests: EVALUATION,
    pattern: 'knows nothing behind the training bars',
  },
  {
    name: 'training reaches into validation',
    file: 'shared/gnn/split.ts',
    find: 'const gap = horizon + EMBARGO_BARS;',
    replace: 'const gap = 0 * horizon;',
    tests: EVALUATION,
    pattern: 'leaves the horizon and the embargo',
  },
  {
    name: 'a verdict is typed, not computed',
    file: 'shared/gnn/verdict.ts',
    find: "if (intervals.every(([low]) => low > 0)) return 'better';",
    replace: "if (intervals.length > 0) return 'better';",
    tests: EVALUATION,
    pattern: 'is ',
  },
  {
    name: 'a graph is built over rows that nobody proved',
    file: 'functions/build-graph/sources.ts',
    find: 'if (open !== undefined) {',
    replace: 'if (open !== undefined && symbols.length === 0) {',
    tests: ['tests/functions/build-graph/handle.test.ts'],
    pattern: 'refuses .* with rows_missing',
  },
  {
    name: 'a graph of changed rows keeps its id',
    file: 'shared/domain/graph/identity.ts',
    find: 'for (const table of input.tables) hash.update(littleEndian(table));',
    replace: '',
    tests: ['tests/domain/graph/identity.test.ts'],
    pattern: 'is another for another',
  },
  {
    name: 'the card of a model is written first',
    file: 'functions/train/publish.ts',
    find: 'await objects.put(keys.weights, model.artefact.weights, { signal });',
    replace:
      'await objects.put(keys.card, json(model.card), { signal }); await objects.put(keys.weights, model.artefact.weights, { signal });',
    tests: ['tests/faults/torn-model.test.ts'],
    pattern: 'case 71',
  },
  {
    name: 'a model is published without its claim',
    file: 'functions/train/publish.ts',
    find: 'if (!(await context.holdsClaim())) {',
    replace: 'if (signal.aborted) {',
    tests: ['tests/functions/train/cut-short.test.ts'],
    pattern: 'publishes nothing once its claim is lost',
  },
];
