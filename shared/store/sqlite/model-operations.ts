import type { Database } from './database.ts';
import { read, write } from './operation.ts';

/** A model as its line holds it. */
export interface ModelLine {
  readonly model_id: string;
  readonly task: string;
  readonly created_at: number;
  readonly document: string;
}

/** What the worker does for models. */
export function createModelOperations(database: Database) {
  const sql = (text: string) => database.statement(text);
  return {
    putModel: write(({ model_id, task, created_at, document }: ModelLine): void => {
      sql('INSERT OR REPLACE INTO gnn_models (model_id, task, created_at, document) VALUES (?, ?, ?, ?)').run(
        model_id,
        task,
        created_at,
        document,
      );
    }),

    readModel: read(
      (modelId: string): string | undefined =>
        sql('SELECT document FROM gnn_models WHERE model_id = ?').get(modelId)?.document as string | undefined,
    ),

    listModels: read(({ task, limit }: { readonly task: string | null; readonly limit: number }): string[] =>
      sql('SELECT document FROM gnn_models WHERE ?1 IS NULL OR task = ?1 ORDER BY created_at DESC, model_id DESC LIMIT ?2')
        .all(task, limit)
        .map(({ document }) => document as string),
    ),

    setActive: write((args: { readonly task: string; readonly modelId: string; readonly at: number }): void => {
      sql('INSERT OR REPLACE INTO gnn_active (task, model_id, at) VALUES (?, ?, ?)').run(args.task, args.modelId, args.at);
    }),

    readActive: read((task: string): { model_id: string; at: number } | undefined => {
      const line = sql('SELECT model_id, at FROM gnn_active WHERE task = ?').get(task);
      return line === undefined ? undefined : { model_id: line.model_id as string, at: line.at as number };
    }),
  };
}
