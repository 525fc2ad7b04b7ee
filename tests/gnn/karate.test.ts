import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { createAdam } from '../../shared/gnn/adam.ts';
import { loadBackend } from '../../shared/gnn/backend.ts';
import { csrOf, rowMean, stackWithSelf, symmetricNorm } from '../../shared/gnn/csr.ts';
import { gradientsOf, lossOf } from '../../shared/gnn/fit.ts';
import { createGat } from '../../shared/gnn/models/gat.ts';
import { createGcn } from '../../shared/gnn/models/gcn.ts';
import { createWeightTable, type Model, readWeights, writeWeights } from '../../shared/gnn/models/model.ts';
import { withNeighbours } from '../../shared/gnn/models/rsage.ts';
import { currentOps } from '../../shared/gnn/ops.ts';
import { SparseMatrix } from '../../shared/gnn/sparse-matrix.ts';
import { wholeBlock } from './support/block.ts';

interface Golden {
  readonly edges: readonly (readonly [number, number])[];
  readonly y: readonly number[];
  readonly train: readonly number[];
  readonly hidden: number;
  readonly models: Readonly<
    Record<
      'gcn' | 'sage' | 'gat',
      {
        readonly phases: Readonly<Record<string, number>>;
        readonly logits0_node0: readonly number[];
        readonly logits0_node33: readonly number[];
        readonly logits0_sumabs: number;
        readonly loss: Readonly<Record<string, number>>;
        readonly argmax100: string;
      }
    >
  >;
}

const golden = JSON.parse(readFileSync(new URL('./golden/karate.json', import.meta.url), 'utf8')) as Golden;
const NODES = 34;
const CLASSES = 4;
const shape = { features: NODES, hidden: golden.hidden, classes: CLASSES };

const both = golden.edges.flatMap(([a, b]) => [
  [a, b],
  [b, a],
]) as [number, number][];
const adjacency = csrOf(
  NODES,
  both.map(([src]) => src),
  both.map(([, dst]) => dst),
);
const identity = Float32Array.from({ length: NODES * NODES }, (_, i) => (i % (NODES + 1) === 0 ? 1 : 0));
const classes = Int32Array.from(golden.y, (label, node) => (golden.train.includes(node) ? label : -1));

/** The golden's initial weights: `0.4 sin(1.7 k + phase)`. */
const initial = (phase: number, size: number): Float32Array =>
  Float32Array.from({ length: size }, (_, k) => 0.4 * Math.sin(1.7 * k + phase));

/** SAGE with the mean as the golden has it: two layers, no head; self and neighbours stacked as our layers have them. */
function createSage(phases: Readonly<Record<string, number>>, stack: SparseMatrix): Model {
  const table = createWeightTable();
  const layers = [0, 1].map((l) => {
    const [inputs, outputs] = l === 0 ? [NODES, golden.hidden] : [golden.hidden, CLASSES];
    const half = inputs * outputs;
    const weights = new Float32Array(2 * half);
    weights.set(initial(phases[`S${l}`] as number, half));
    weights.set(initial(phases[`N${l}`] as number, half), half);
    return {
      w: table.add<tf.Rank.R2>(`w${l}`, weights, [2 * inputs, outputs]),
      b: table.add<tf.Rank.R1>(`b${l}`, new Float32Array(outputs), [outputs]),
    };
  });
  return {
    names: table.names,
    variables: table.variables,
    dispose: table.dispose,
    logits({ gathered }) {
      const layer = (h: tf.Tensor2D, l: number): tf.Tensor2D =>
        tf.add(
          tf.matMul(withNeighbours(currentOps(), stack, h, 2), (layers[l] as (typeof layers)[number]).w),
          (layers[l] as (typeof layers)[number]).b,
        );
      return layer(tf.relu(layer(gathered, 0)), 1);
    },
  };
}

function createModel(kind: 'gcn' | 'sage' | 'gat'): { model: Model; dispose(): void } {
  const { phases } = golden.models[kind];
  const matrix = new SparseMatrix(kind === 'sage' ? stackWithSelf([rowMean(adjacency)], NODES, NODES, 0) : symmetricNorm(adjacency));
  const model = kind === 'sage' ? createSage(phases, matrix) : kind === 'gcn' ? createGcn(shape, matrix, 1) : createGat(shape, matrix, 1);
  if (kind !== 'sage') {
    const prefix: Record<string, string> = { kernel: 'W', source: 'as', target: 'ad' };
    const weights = readWeights(model).map((values, k) => {
      const [, layer, part] = /layer_(\d)\/(\w+)/.exec(model.names[k] as string) as unknown as [string, string, string];
      return part === 'bias' ? values.fill(0) : initial(phases[`${prefix[part]}${layer}`] as number, values.length);
    });
    writeWeights(model, weights);
  }
  return {
    model,
    dispose: () => {
      model.dispose();
      matrix.dispose();
    },
  };
}

for (const backend of ['cpu', 'wasm'] as const) {
  describe(`karate club on ${backend}`, () => {
    for (const kind of ['gcn', 'sage', 'gat'] as const) {
      it(`${kind} gives the logits of PyTorch Geometric, and its losses over 100 steps of Adam`, async () => {
        await loadBackend([backend]);
        const { model, dispose } = createModel(kind);
        const block = wholeBlock(identity, NODES, classes);
        const expected = golden.models[kind];
        const logits = (): Float32Array =>
          tf.tidy(() => {
            const input = block.input();
            return Float32Array.from(model.logits(input).dataSync());
          });

        const first = logits();
        const weights = readWeights(model);
        const adam = createAdam({ rate: 0.01, l2: 0 });
        const losses: Record<string, number> = {};
        for (let step = 0; step < 100; step++) {
          if (String(step) in expected.loss) losses[step] = lossOf(model, [block]);
          adam(weights, gradientsOf(model, block));
          writeWeights(model, weights);
        }
        const last = logits();
        dispose();

        for (const [node, row] of [
          [0, expected.logits0_node0],
          [33, expected.logits0_node33],
        ] as const) {
          row.forEach((value, k) => {
            assert.ok(Math.abs((first[node * CLASSES + k] as number) - value) < 1e-5, `logit ${k} of node ${node}`);
          });
        }
        const total = first.reduce((sum, value) => sum + Math.abs(value), 0);
        assert.ok(Math.abs(total - expected.logits0_sumabs) < 1e-4);
        for (const [step, loss] of Object.entries(expected.loss)) {
          assert.ok(Math.abs((losses[step] as number) - loss) < 1e-4, `loss ${losses[step]} of step ${step} is not ${loss}`);
        }
        const said = Array.from({ length: NODES }, (_, node) => {
          const row = last.subarray(node * CLASSES, (node + 1) * CLASSES);
          return row.indexOf(Math.max(...row));
        }).join('');
        assert.equal(said, expected.argmax100);
      });
    }
  });
}
