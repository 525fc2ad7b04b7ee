import { type Block, cutBlocks } from './blocks.ts';
import type { Contender } from './contenders.ts';
import { type Fit, fit, probabilitiesOf } from './fit.ts';
import { HYPER } from './hyper.ts';
import type { Model } from './models/model.ts';
import type { Split } from './split.ts';

/** How one member was fitted. */
export interface MemberFit extends Fit {
  readonly model: string;
  readonly seed: number;
}

/** News of a training, once an epoch. */
export interface Progress {
  readonly model: string;
  readonly seed: number;
  readonly epoch: number;
  readonly validation_loss: number;
}

/** The members of a contender, and the mean of what they say of the labelled test nodes: `[nodes, classes]`. The caller disposes the members. */
export interface TrainedMembers {
  readonly members: readonly Model[];
  readonly fits: readonly MemberFit[];
  readonly probabilities: Float32Array;
}

export interface TrainOptions {
  readonly epochs: number;
  readonly onEpoch?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

/** Trains every member, one after the other. Rejects with the signal's reason; nothing stays on the backend then. */
export async function trainMembers(contender: Contender, split: Split, classCount: number, options: TrainOptions): Promise<TrainedMembers> {
  const cut = (range: Split['train']): Block[] => cutBlocks(contender.source, range, HYPER.block_bars);
  const train = cut(split.train);
  const validation = cut(split.validation);
  const test = cut(split.test);
  const members: Model[] = [];
  const fits: MemberFit[] = [];
  let total: Float32Array | undefined;
  try {
    for (const seed of contender.seeds) {
      const model = contender.create(seed);
      members.push(model);
      const { onEpoch, signal } = options;
      const done = await fit(model, train, validation, {
        epochs: options.epochs,
        patience: HYPER.patience,
        rate: contender.rate,
        l2: HYPER.l2,
        dropout: contender.dropout,
        seed,
        ...(signal === undefined ? {} : { signal }),
        ...(onEpoch === undefined
          ? {}
          : { onEpoch: (epoch, loss) => onEpoch({ model: contender.name, seed, epoch, validation_loss: loss }) }),
      });
      fits.push({ model: contender.name, seed, ...done });
      total = sum(total, labelled(probabilitiesOf(model, test), test, classCount));
    }
  } catch (error) {
    for (const member of members) member.dispose();
    throw error;
  } finally {
    for (const block of [...train, ...validation, ...test]) block.dispose();
  }
  return { members, fits, probabilities: (total ?? new Float32Array(0)).map((value) => value / members.length) };
}

/** The rows of labelled nodes, in the order of the nodes. */
function labelled(blocks: readonly Float32Array[], test: readonly Block[], classCount: number): Float32Array {
  const picked = new Float32Array(test.reduce((count, block) => count + block.labels.count, 0) * classCount);
  let at = 0;
  test.forEach(({ labels }, b) => {
    labels.classes.forEach((label, i) => {
      if (label < 0) return;
      picked.set((blocks[b] as Float32Array).subarray(i * classCount, (i + 1) * classCount), at);
      at += classCount;
    });
  });
  return picked;
}

function sum(a: Float32Array | undefined, b: Float32Array): Float32Array {
  return a === undefined ? b : a.map((value, i) => value + (b[i] as number));
}
