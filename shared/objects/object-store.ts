/**
 * Immutable objects by key (`models/<id>/weights.bin`). Adapters: `folder/`, `s3/`. Errors: `store_unavailable`, `timeout`, `storage_full`, `not_found`,
 * and `invalid_setting` where a server refuses bucket or credentials.
 */
export interface ObjectStore {
  /**
   * Whole or not at all: a reader never sees half an object. With `ifAbsent` an object that is there is left as it is. Returns what happened.
   * Keys are `/`-separated segments of `[A-Za-z0-9._-]`, none of them `.` or `..`; any other key is refused with `invalid_request`.
   */
  put(
    key: string,
    body: Uint8Array,
    options?: { readonly ifAbsent?: boolean; readonly signal?: AbortSignal },
  ): Promise<'written' | 'exists'>;
  /** Throws `not_found`. */
  get(key: string, options?: { readonly signal?: AbortSignal }): Promise<Uint8Array>;
  has(key: string): Promise<boolean>;
  /** Keys with the prefix, sorted. */
  list(prefix: string): Promise<readonly string[]>;
  delete(key: string): Promise<void>;
  close(): Promise<void>;
}
