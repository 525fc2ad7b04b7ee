import type { Task } from '../domain/graph/labels.ts';

/** Changes with anything that makes another model of the same graph and parameters; part of every model id. */
export const TRAINER_VERSION = '1';

/** What is asked for (`train` of a workflow). `horizon` is counted in bars. */
export interface TrainingTask {
  readonly task: Task;
  readonly horizon: number;
  readonly model: 'rsage' | 'sgc';
  readonly hidden: number;
  /** Most epochs; validation ends a training earlier. */
  readonly epochs: number;
  readonly seeds: readonly number[];
}

/** Everything else that a training is made of; stands in the card and goes into the model id. */
export const HYPER = {
  layers: 2,
  /** Share of hidden values dropped while training. */
  dropout: 0.2,
  /** Adam's rate of networks, and of linear models. */
  rate: 0.005,
  linear_rate: 0.01,
  /** Weight of the sum of squared weights in the loss. */
  l2: 0.001,
  /** Epochs without a better validation loss. */
  patience: 5,
  /** Bars of one step of the optimiser: a day of 5m candles. */
  block_bars: 288,
} as const;
