import { MODELS_LISTED, type ModelDocument, type ModelStore } from '../model-store.ts';
import type { ArangoPort } from './arango-port.ts';
import { documentKey } from './document-key.ts';
import { PUT_DOCUMENT, READ_DOCUMENT } from './workflow-statements.ts';

const LIST_MODELS = `
  FOR model IN gnn_models
    FILTER @task == null OR model.task == @task
    SORT model.created_at DESC, model.model_id DESC LIMIT @limit
    RETURN UNSET(model, "_key", "_id", "_rev")`;

/** The model store on ArangoDB: a document a model, and one a task that names its active one. */
export class ArangoModelStore implements ModelStore {
  readonly #port: ArangoPort;

  constructor(port: ArangoPort) {
    this.#port = port;
  }

  async putModel(model: ModelDocument): Promise<void> {
    await this.#put('gnn_models', model.model_id, model);
  }

  async readModel(modelId: string): Promise<ModelDocument | undefined> {
    return this.#read<ModelDocument>('gnn_models', modelId);
  }

  async listModels(filter: { readonly task?: string; readonly limit?: number } = {}): Promise<readonly ModelDocument[]> {
    const { task = null, limit = MODELS_LISTED } = filter;
    return this.#port.query<ModelDocument>('listing models', LIST_MODELS, { task, limit });
  }

  async setActive(task: string, modelId: string, at: number): Promise<void> {
    await this.#put('gnn_active', task, { task, model_id: modelId, at });
  }

  async readActive(task: string): Promise<{ readonly model_id: string; readonly at: number } | undefined> {
    const active = await this.#read<{ readonly model_id: string; readonly at: number }>('gnn_active', task);
    return active === undefined ? undefined : { model_id: active.model_id, at: active.at };
  }

  async close(): Promise<void> {
    await this.#port.close();
  }

  async #put(collection: string, name: string, fields: object): Promise<void> {
    const document = { _key: documentKey(name), ...fields };
    await this.#port.query(`writing ${name}`, PUT_DOCUMENT, { '@collection': collection, document }, { retryDuplicates: true });
  }

  async #read<Document>(collection: string, name: string): Promise<Document | undefined> {
    const bind = { '@collection': collection, key: documentKey(name) };
    return (await this.#port.query<Document>(`reading ${name}`, READ_DOCUMENT, bind))[0];
  }
}
