/** Backends in the order in which they are tried. The two of TensorFlow are never installed unasked: they are there, or they are skipped. */
export const BACKENDS = ['tensorflow-gpu', 'tensorflow', 'wasm', 'cpu'] as const;
export type BackendName = (typeof BACKENDS)[number];

/** The backend that was loaded, and why those before it were not. Goes into the model's card. */
export interface LoadedBackend {
  readonly name: BackendName;
  readonly skipped: readonly { readonly name: BackendName; readonly reason: string }[];
  readonly simd: boolean;
  readonly tfjs: string;
  readonly node: string;
}
