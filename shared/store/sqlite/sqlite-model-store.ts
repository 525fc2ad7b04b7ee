import { MODELS_LISTED, type ModelDocument, type ModelStore } from '../model-store.ts';
import type { StorePort } from './store-client.ts';

/** The model store on SQLite: one JSON document per model. */
export class SqliteModelStore implements ModelStore {
  readonly #port: StorePort;

  constructor(port: StorePort) {
    this.#port = port;
  }

  async putModel(model: ModelDocument): Promise<void> {
    const { model_id, task, created_at } = model;
    await this.#port.call('putModel', { model_id, task, created_at, document: JSON.stringify(model) });
  }

  async readModel(modelId: string): Promise<ModelDocument | undefined> {
    const document = await this.#port.call('readModel', modelId);
    return document === undefined ? undefined : (JSON.parse(document) as ModelDocument);
  }

  async listModels({
    task,
    limit = MODELS_LISTED,
  }: {
    readonly task?: string;
    readonly limit?: number;
  } = {}): Promise<readonly ModelDocument[]> {
    const documents = await this.#port.call('listModels', { task: task ?? null, limit });
    return documents.map((document) => JSON.parse(document) as ModelDocument);
  }

  async setActive(task: string, modelId: string, at: number): Promise<void> {
    await this.#port.call('setActive', { task, modelId, at });
  }

  async readActive(task: string): Promise<{ readonly model_id: string; readonly at: number } | undefined> {
    return this.#port.call('readActive', task);
  }

  async close(): Promise<void> {
    await this.#port.close();
  }
}
