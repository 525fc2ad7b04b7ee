import type { ObjectStore } from '../../shared/objects/object-store.ts';
import type { GraphStore } from '../../shared/store/graph-store.ts';
import type { MarketStore } from '../../shared/store/market-store.ts';
import type { ModelStore } from '../../shared/store/model-store.ts';
import type { WorkflowStore } from '../../shared/store/workflow-store.ts';

/** The four stores of one database. */
export interface Stores {
  readonly market: MarketStore;
  readonly workflows: WorkflowStore;
  readonly graphs: GraphStore;
  readonly models: ModelStore;
  close(): Promise<void>;
}

/** A place of its own for one suite, and the ways into it. */
export interface Place<Opened> {
  /** Opens it, as a process of its own would; may be called again while another is open. */
  open(): Promise<Opened>;
  /** What a child process opens it with: a module that exports `openStores(location)` or `openObjects(location)`. */
  readonly opener: string;
  readonly location: string;
  /** Closes what is still open and removes everything. */
  remove(): Promise<void>;
}

export type StoresFactory = () => Promise<Place<Stores>>;
export type ObjectsFactory = () => Promise<Place<ObjectStore>>;
