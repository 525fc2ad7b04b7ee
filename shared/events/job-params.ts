import { z } from 'zod';

/** What a model predicts: terciles of realised volatility, or the sign of the return. */
export const TASKS = ['vol', 'dir'] as const;
/** `rsage`: relational GraphSAGE; `sgc`: linear on features and neighbour aggregates. */
export const MODELS = ['rsage', 'sgc'] as const;
/** Where tensors are computed. */
export const BACKENDS = ['tensorflow-gpu', 'tensorflow', 'wasm', 'cpu'] as const;

/** Zod fields of the graph parameters; windows and lags are counted in bars. */
export const graphParamFields = {
  lags: z.array(z.int().min(1).max(10_000)).min(1).max(16),
  vis_window: z.int().min(2).max(1_000),
  vis_cap: z.int().min(0).max(32),
  corr_window: z.int().min(2).max(100_000),
  corr_top: z.int().min(0).max(32),
  lead_window: z.int().min(2).max(100_000),
  lead_top: z.int().min(0).max(32),
};

/** Zod fields of the training parameters. */
export const trainParamFields = {
  task: z.enum(TASKS),
  horizon: z.int().min(1).max(1_000),
  model: z.enum(MODELS),
  hidden: z.int().min(1).max(512),
  epochs: z.int().min(1).max(10_000),
  seeds: z.array(z.int().min(0).max(4_294_967_295)).min(1).max(20),
  backend: z.enum(BACKENDS).exactOptional(),
};
