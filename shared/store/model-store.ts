/** `training` while a job holds the claim; `ready` once the card is written; `failed`, `rejected` (no skill asked for, not published) else. */
export type ModelStatus = 'training' | 'ready' | 'failed' | 'rejected';

/** One model (`gnn_models`): its card and the keys of its objects. `card` is what `models/<model id>/card.json` holds. */
export interface ModelDocument {
  readonly model_id: string;
  readonly status: ModelStatus;
  readonly task: string;
  readonly graph_id: string;
  readonly queue_id?: string;
  readonly objects?: Readonly<Record<'weights' | 'model' | 'card', string>>;
  readonly card?: Readonly<Record<string, unknown>>;
  readonly created_at: number;
}

/** What `listModels` returns at most where no limit is named. */
export const MODELS_LISTED = 100;

/** Models and the active one of each task. Errors: `store_unavailable`, `storage_full`. */
export interface ModelStore {
  putModel(model: ModelDocument): Promise<void>;
  readModel(modelId: string): Promise<ModelDocument | undefined>;
  /** Newest first; `limit` is 100 where it is not named. */
  listModels(filter?: { readonly task?: string; readonly limit?: number }): Promise<readonly ModelDocument[]>;
  setActive(task: string, modelId: string, at: number): Promise<void>;
  readActive(task: string): Promise<{ readonly model_id: string; readonly at: number } | undefined>;
  close(): Promise<void>;
}
