import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { loadBackend } from '../../shared/gnn/backend.ts';
import { type Csr, csrOf, rowMean, stackWithSelf, symmetricNorm } from '../../shared/gnn/csr.ts';
import { gradientsOf, lossOf } from '../../shared/gnn/fit.ts';
import { allowSimd } from '../../shared/gnn/heap.ts';
import { dropout as dropoutLoop } from '../../shared/gnn/loops.ts';
import { createGat } from '../../shared/gnn/models/gat.ts';
import { createGcn } from '../../shared/gnn/models/gcn.ts';
import { createLinear } from '../../shared/gnn/models/linear.ts';
import { type Dropout, type Model, writeWeights } from '../../shared/gnn/models/model.ts';
import { createRsage } from '../../shared/gnn/models/rsage.ts';
import { type GraphOps, kernelOps, plainOps } from '../../shared/gnn/ops.ts';
import { createRng } from '../../shared/gnn/rng.ts';
import { SparseMatrix } from '../../shared/gnn/sparse-matrix.ts';
import { wholeBlock } from './support/block.ts';
import { crossEntropy, type Matrix, map, matrix, plus, product, relu, reshape, sparse } from './support/float64.ts';

const NODES = 26;
const FEATURES = 4;
const CLASSES = 3;
const DROPPED = { seed: 12_345, share: 0.3 };

const rng = createRng(7);
const randomGraph = (): Csr =>
  csrOf(
    NODES,
    Array.from({ length: NODES * 3 }, () => rng.integer(NODES)),
    Array.from({ length: NODES * 3 }, () => rng.integer(NODES)),
  );
const relations = [rowMean(randomGraph()), rowMean(randomGraph())];
const undirected = symmetricNorm(randomGraph());
const features = Float32Array.from({ length: NODES * FEATURES }, () => rng.normal());
const classes = Int32Array.from({ length: NODES }, () => rng.integer(CLASSES + 1) - 1);
const stack = stackWithSelf(relations, NODES, NODES, 0);
const gathered = Float32Array.from(sparse(stack, matrix(NODES, FEATURES, features)).values);

interface Case {
  readonly name: string;
  readonly width: number;
  readonly x: Float32Array;
  create(ops: GraphOps): { readonly model: Model; readonly matrices: readonly SparseMatrix[] };
  /** The loss in double precision, from the weights in the model's order. */
  reference(weights: readonly Matrix[], x: Matrix): Matrix;
  readonly dropped?: boolean;
  /** Only where our kernels are. */
  readonly kernelsOnly?: boolean;
}

const W = (weights: readonly Matrix[], k: number): Matrix => weights[k] as Matrix;
const mask = (size: number): Float64Array => {
  const out = new Float32Array(size);
  dropoutLoop(new Float32Array(size).fill(1), DROPPED, out);
  return Float64Array.from(out);
};

function rsageCase(hidden: number, dropped: boolean): Case {
  return {
    name: `rsage with ${hidden} hidden units${dropped ? ' and dropout' : ''}`,
    width: 3 * FEATURES,
    x: gathered,
    dropped,
    create: (ops) => ({
      model: createRsage({ features: FEATURES, relations: 2, hidden, layers: 2, classes: CLASSES, wide: true }, 3, ops),
      matrices: [new SparseMatrix(stack)],
    }),
    reference(weights, x) {
      const drop = (h: Matrix): Matrix => {
        const kept = mask(h.values.length);
        return dropped ? map(h, (value, i) => value * (kept[i] as number)) : h;
      };
      const first = relu(plus(product(x, W(weights, 0)), W(weights, 1).values));
      const second = relu(plus(product(reshape(sparse(stack, drop(first)), 3 * hidden), W(weights, 2)), W(weights, 3).values));
      return plus(plus(product(drop(second), W(weights, 4)), W(weights, 5).values), product(x, W(weights, 6)).values);
    },
  };
}

const cases: readonly Case[] = [
  rsageCase(8, false),
  rsageCase(6, true),
  {
    name: 'mlp',
    width: FEATURES,
    x: features,
    create: (ops) => ({
      model: createRsage({ features: FEATURES, relations: 0, hidden: 8, layers: 2, classes: CLASSES, wide: false }, 3, ops),
      matrices: [],
    }),
    reference(weights, x) {
      const first = relu(plus(product(x, W(weights, 0)), W(weights, 1).values));
      const second = relu(plus(product(first, W(weights, 2)), W(weights, 3).values));
      return plus(product(second, W(weights, 4)), W(weights, 5).values);
    },
  },
  {
    name: 'sgc',
    width: 3 * FEATURES,
    x: gathered,
    create: () => ({ model: createLinear(3 * FEATURES, CLASSES), matrices: [] }),
    reference: (weights, x) => plus(product(x, W(weights, 0)), W(weights, 1).values),
  },
  {
    name: 'gcn',
    width: FEATURES,
    x: features,
    create(ops) {
      const sparseMatrix = new SparseMatrix(undirected);
      return { model: createGcn({ features: FEATURES, hidden: 8, classes: CLASSES }, sparseMatrix, 3, ops), matrices: [sparseMatrix] };
    },
    reference(weights, x) {
      const first = relu(plus(sparse(undirected, product(x, W(weights, 0))), W(weights, 1).values));
      return plus(sparse(undirected, product(first, W(weights, 2))), W(weights, 3).values);
    },
  },
  {
    name: 'gat',
    width: FEATURES,
    x: features,
    kernelsOnly: true,
    create() {
      const sparseMatrix = new SparseMatrix(undirected);
      return { model: createGat({ features: FEATURES, hidden: 8, classes: CLASSES }, sparseMatrix, 3), matrices: [sparseMatrix] };
    },
    reference(weights, x) {
      const layer = (h: Matrix, at: number): Matrix => {
        const z = product(h, W(weights, at));
        const source = product(z, W(weights, at + 1)).values;
        const target = product(z, W(weights, at + 2)).values;
        const val = Float32Array.from(undirected.val);
        const shares = new Float64Array(val.length);
        for (let i = 0; i < NODES; i++) {
          const edges = Array.from(
            { length: (undirected.rowPtr[i + 1] as number) - (undirected.rowPtr[i] as number) },
            (_, e) => (undirected.rowPtr[i] as number) + e,
          );
          const scores = edges.map((e) => {
            const score = (source[undirected.col[e] as number] as number) + (target[i] as number);
            return Math.exp(score > 0 ? score : 0.2 * score);
          });
          const total = scores.reduce((sum, score) => sum + score, 0);
          edges.forEach((e, k) => {
            shares[e] = (scores[k] as number) / total;
          });
        }
        return plus(sparse({ ...undirected, val: shares as unknown as Float32Array }, z), W(weights, at + 3).values);
      };
      return layer(
        map(layer(x, 0), (value) => (value > 0 ? value : Math.exp(value) - 1)),
        4,
      );
    },
  },
];

const backends = [
  { name: 'cpu', load: 'cpu', simd: true, ops: kernelOps },
  { name: "cpu, tfjs's own operations", load: 'cpu', simd: true, ops: plainOps },
  { name: 'wasm, plain loops', load: 'wasm', simd: false, ops: kernelOps },
  { name: 'wasm, SIMD', load: 'wasm', simd: true, ops: kernelOps },
] as const;

for (const backend of backends) {
  describe(`gradients on ${backend.name}`, () => {
    for (const { name, width, x, create, reference, dropped, kernelsOnly } of cases) {
      if (kernelsOnly === true && backend.ops === plainOps) continue;
      it(`of ${name} are those of central differences in double precision`, async () => {
        await loadBackend([backend.load]);
        allowSimd(backend.simd);
        const tensors = tf.memory().numTensors;
        const { model, matrices } = create(backend.ops);
        const weightRng = createRng(11);
        const weights = model.variables.map((variable) => Float32Array.from({ length: variable.size }, () => 0.4 * weightRng.normal()));
        writeWeights(model, weights);
        const block = wholeBlock(x, width, classes, matrices);
        const drop: Dropout | undefined = dropped === true ? (hidden) => backend.ops.dropout(hidden, DROPPED) : undefined;

        const gradients = gradientsOf(model, block, drop);
        const loss = dropped === true ? undefined : lossOf(model, [block]);

        const shapes = model.variables.map((variable) => variable.shape);
        const exact = weights.map((values, k) => matrix(shapes[k]?.[0] ?? 1, shapes[k]?.[1] ?? 1, values));
        const lossAt = (): number => crossEntropy(reference(exact, matrix(NODES, width, x)), classes);
        if (loss !== undefined) assert.ok(Math.abs(loss - lossAt()) < 1e-6, `loss ${loss} is not ${lossAt()}`);
        let largest = 0;
        exact.forEach(({ values }, k) => {
          const step = 1e-5;
          values.forEach((own, i) => {
            values[i] = own + step;
            const above = lossAt();
            values[i] = own - step;
            const below = lossAt();
            values[i] = own;
            const expected = (above - below) / (2 * step);
            largest = Math.max(largest, Math.abs(expected));
            const found = gradients[k]?.[i] as number;
            assert.ok(Math.abs(found - expected) < 1e-6, `${model.names[k]}[${i}]: ${found}, not ${expected}`);
          });
        });
        assert.ok(largest > 0.05, 'the gradients are not all zero');
        model.dispose();
        for (const sparseMatrix of matrices) sparseMatrix.dispose();
        assert.equal(tf.memory().numTensors, tensors, 'no tensor is left');
        allowSimd(true);
      });
    }
  });
}
