import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fold } from '../../../shared/domain/workflow/fold.ts';
import type { WorkflowState } from '../../../shared/domain/workflow/state.ts';
import { foldAll } from './builders.ts';
import { World } from './world.ts';

/** A repeatable stream of numbers in [0, 1) (mulberry32). */
function choices(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const seeds = fc.integer({ min: 1, max: 2 ** 31 - 1 });
const shards = fc.integer({ min: 0, max: 70 });
const shorts = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 70 });
const chance = fc.double({ min: 0, max: 0.4, noNaN: true });
const runs = fc.record({
  seed: seeds,
  shards,
  shorts,
  loss: chance,
  repeat: chance,
  stops: fc.array(fc.integer({ min: 1, max: 150 }), { maxLength: 3 }),
});

function runWorld({
  seed,
  ...options
}: {
  seed: number;
  shards: number;
  shorts: number[];
  loss: number;
  repeat: number;
  stops: number[];
}): World {
  const world = new World({ ...options, choose: choices(seed) });
  world.run();
  return world;
}

test('every run ends finished with every shard proven, however its facts are lost, repeated, reordered, stopped and resumed', () => {
  fc.assert(
    fc.property(runs, (options) => {
      const world = runWorld(options);

      assert.equal(world.state?.status, 'finished');
      assert.equal(world.state.load?.done, world.state.load?.total);
      assert.equal(world.proven.size, options.shards);
    }),
    { numRuns: 150 },
  );
});

test('each stage of an attempt is ended by the fold at most once', () => {
  fc.assert(
    fc.property(runs, (options) => {
      const { terminals } = runWorld(options);

      assert.deepEqual(terminals, [...new Set(terminals)]);
    }),
    { numRuns: 100 },
  );
});

test('case 66: folding the facts of a run again from the first one gives the same state', () => {
  fc.assert(
    fc.property(runs, (options) => {
      const world = runWorld(options);

      assert.deepEqual(foldAll(world.seen).state, world.state);
    }),
    { numRuns: 100 },
  );
});

test('redelivered facts change nothing: a step repeated at once is a step done once', () => {
  fc.assert(
    fc.property(runs, (options) => {
      const { seen } = runWorld(options);
      let state: WorkflowState | undefined;

      for (const fact of seen) {
        state = fold(state, fact).state;
        assert.equal(fold(state, fact).state, state);
      }
    }),
    { numRuns: 60 },
  );
});

test('case 67: any of its facts in any order after the end leave a finished workflow as it is, and send nothing', () => {
  fc.assert(
    fc.property(runs, seeds, (options, seed) => {
      const { state, seen } = runWorld(options);
      const choose = choices(seed);
      const shuffled = seen.map((fact) => ({ fact, at: choose() })).sort((a, b) => a.at - b.at);

      for (const { fact } of shuffled) {
        const step = fold(state, fact);
        assert.equal(step.state, state);
        assert.deepEqual([step.commands, step.shards], [[], []]);
      }
    }),
    { numRuns: 60 },
  );
});

test('case 67: facts shuffled before the end never end a workflow early, and ticks bring it home', () => {
  fc.assert(
    fc.property(runs, seeds, (options, seed) => {
      const { seen } = runWorld({ ...options, stops: [] });
      const [requested, ...others] = seen;
      const choose = choices(seed);
      const shuffled = others.map((fact) => ({ fact, at: choose() })).sort((a, b) => a.at - b.at);
      const world = new World({ ...options, stops: [], loss: 0, choose });

      for (const { fact } of shuffled) world.deliver(fact);
      world.run();

      assert.equal(requested?.kind, 'requested');
      assert.equal(world.state?.status, 'finished');
      assert.equal(world.state.load?.done, options.shards);
    }),
    { numRuns: 60 },
  );
});
