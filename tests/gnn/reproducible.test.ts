import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import * as tf from '@tensorflow/tfjs';
import { AppError } from '../../shared/domain/errors.ts';
import { createMember, decodeArtefact, encodeArtefact } from '../../shared/gnn/artefact.ts';
import { loadBackend } from '../../shared/gnn/backend.ts';
import { cutBlocks } from '../../shared/gnn/blocks.ts';
import { architectureOf, contenderOf } from '../../shared/gnn/contenders.ts';
import { runExperiment } from '../../shared/gnn/experiment.ts';
import { fit, probabilitiesOf } from '../../shared/gnn/fit.ts';
import type { TrainingTask } from '../../shared/gnn/hyper.ts';
import { checkMemory, trainingBytes } from '../../shared/gnn/memory.ts';
import { readWeights, writeWeights } from '../../shared/gnn/models/model.ts';
import { prepare } from '../../shared/gnn/prepare.ts';
import { createRng } from '../../shared/gnn/rng.ts';
import { trainingGraph } from './support/graphs.ts';
import { simulateMarket } from './support/market.ts';

const BARS = 1_500;
const TASK: TrainingTask = { task: 'vol', horizon: 12, model: 'rsage', hidden: 8, epochs: 3, seeds: [1, 2] };
const graph = trainingGraph(simulateMarket({ symbols: 3, bars: BARS, seed: 6, clustering: 0.95 }), BARS, { lead_window: 500, vis_cap: 32 });

describe('a training', () => {
  for (const backend of ['wasm', 'cpu'] as const) {
    it(`gives the same weights and figures to the bit when it is done twice on ${backend}, and leaves no tensor`, async () => {
      await loadBackend([backend]);
      const task = backend === 'cpu' ? { ...TASK, epochs: 1, seeds: [1] } : TASK;
      const tensors = tf.memory().numTensors;

      const first = await runExperiment(graph, task);
      const second = await runExperiment(graph, task);

      assert.equal(second.artefact.model.weights_sha256, first.artefact.model.weights_sha256);
      assert.deepEqual(second.artefact.weights, first.artefact.weights);
      assert.deepEqual(second.evaluation, first.evaluation);
      assert.equal(tf.memory().numTensors, tensors);
    });
  }

  it('gives other weights with another seed', async () => {
    await loadBackend(['wasm']);
    const hash = async (seed: number): Promise<string> =>
      (await runExperiment(graph, { ...TASK, epochs: 1, seeds: [seed] })).artefact.model.weights_sha256;

    assert.notEqual(await hash(1), await hash(2));
  });

  it('holds the same number of tensors after every epoch', async () => {
    await loadBackend(['wasm']);
    const prepared = prepare(graph, TASK);
    const contender = contenderOf(architectureOf(TASK, graph.features, 3), TASK, prepared);
    const [train, validation] = [prepared.split.train, prepared.split.validation].map((range) => cutBlocks(contender.source, range, 288));
    const model = contender.create(1);
    const counts: { readonly tensors: number; readonly bytes: number }[] = [];

    await fit(model, train ?? [], validation ?? [], {
      epochs: 5,
      patience: 5,
      rate: 0.005,
      l2: 0.001,
      dropout: 0.2,
      seed: 1,
      onEpoch: () => counts.push({ tensors: tf.memory().numTensors, bytes: tf.memory().numBytes }),
    });

    model.dispose();
    for (const block of [...(train ?? []), ...(validation ?? [])]) block.dispose();
    assert.equal(counts.length, 5);
    assert.deepEqual(new Set(counts.map(({ tensors }) => tensors)).size, 1);
    assert.deepEqual(new Set(counts.map(({ bytes }) => bytes)).size, 1);
  });

  it('ends with the reason of its signal, and leaves no tensor', async () => {
    await loadBackend(['wasm']);
    const tensors = tf.memory().numTensors;
    const stop = new AbortController();

    const running = runExperiment(graph, { ...TASK, epochs: 1_000 }, { signal: stop.signal, onEpoch: () => stop.abort() });

    await assert.rejects(running, { name: 'AbortError' });
    assert.equal(tf.memory().numTensors, tensors);
  });
});

describe('a model', () => {
  const prepared = prepare(graph, TASK);
  const arch = architectureOf(TASK, graph.features, 3);

  before(() => loadBackend(['wasm']));

  /** A member whose weights are random everywhere, the head's too. */
  function aMember(seed: number) {
    const member = createMember(arch, seed);
    const rng = createRng(seed);
    writeWeights(
      member,
      member.variables.map((variable) => Float32Array.from({ length: variable.size }, () => 0.3 * rng.normal())),
    );
    return member;
  }

  it('says the same to the bit after it was written and read', async () => {
    const members = [aMember(1), aMember(2)];
    const artefact = await encodeArtefact(arch, members);
    const again = decodeArtefact({ weights: artefact.weights, model: JSON.parse(JSON.stringify(artefact.model)) });
    const blocks = cutBlocks(prepared.sources.graph, prepared.split.test, 288);

    const before_ = members.map((member) => probabilitiesOf(member, blocks));
    const after_ = again.map((member) => probabilitiesOf(member, blocks));

    assert.deepEqual(after_, before_);
    assert.deepEqual(again.map(readWeights), members.map(readWeights));
    for (const owner of [...members, ...again, ...blocks]) owner.dispose();
  });

  it('is refused where its bytes are not those of its checksum, or its relations not ours', async () => {
    const members = [aMember(1), aMember(2)];
    const artefact = await encodeArtefact(arch, members);
    const torn = artefact.weights.slice();
    torn[7] = (torn[7] as number) ^ 1;
    const isMismatch = (error: unknown): boolean => error instanceof AppError && error.code === 'contract_mismatch';

    assert.throws(() => decodeArtefact({ ...artefact, weights: torn }), isMismatch);
    const relations = ['next', 'visible', 'corr'];
    assert.throws(() => decodeArtefact({ ...artefact, model: { ...artefact.model, arch: { ...arch, relations } } }), isMismatch);
    for (const member of members) member.dispose();
  });

  it('says of a block with its halo what it says of the whole graph, to the bit', () => {
    const member = aMember(3);
    const whole = cutBlocks(prepared.sources.graph, { from: 0, to: BARS }, BARS);
    const all = probabilitiesOf(member, whole)[0] as Float32Array;

    for (const length of [288, 17, 1]) {
      const range = { from: 700, to: 700 + 2 * length };
      const blocks = cutBlocks(prepared.sources.graph, range, length);
      probabilitiesOf(member, blocks).forEach((probabilities, b) => {
        const from = (blocks[b]?.from as number) * 3;
        assert.deepEqual(probabilities, all.slice(from, from + probabilities.length), `a block of ${length} bars`);
      });
      for (const block of blocks) block.dispose();
    }
    for (const owner of [member, ...whole]) owner.dispose();
  });

  it('is not begun where it would not fit into the memory of the backend', () => {
    const source = prepared.sources.graph;

    assert.doesNotThrow(() => checkMemory(source, 32, 288));
    assert.ok(trainingBytes(source, 64, 288) > trainingBytes(source, 32, 288));
    assert.throws(
      () => checkMemory({ ...source, symbols: 100 }, 512, 288),
      (error) => error instanceof AppError && error.code === 'invalid_request',
    );
  });
});
