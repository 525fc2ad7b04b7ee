/** `spmm.wat` assembled (WebAssembly with 128-bit SIMD), base64. */
const SPMM_WASM =
  'AGFzbQEAAAABCwFgB39/f39/f38AAg8BA2VudgZtZW1vcnkCAAADAgEABwgBBHNwbW0AAAqgCAGdCAQHfwF7An0IeyAFQQJ0IQwgACADQQJ0aiEHAkADQCAAIAdPDQEgACgCAEECdCEIIAAoAgRBAnQhCUEAIQsCQANAIAtBgAFqIAxLDQH9DAAAAAAAAAAAAAAAAAAAAAAhEf0MAAAAAAAAAAAAAAAAAAAAACES/QwAAAAAAAAAAAAAAAAAAAAAIRP9DAAAAAAAAAAAAAAAAAAAAAAhFP0MAAAAAAAAAAAAAAAAAAAAACEV/QwAAAAAAAAAAAAAAAAAAAAAIRb9DAAAAAAAAAAAAAAAAAAAAAAhF/0MAAAAAAAAAAAAAAAAAAAAACEYIAghCgJAA0AgCiAJTw0BIAIgCmr9CQIAIQ4gBCALaiAMIAEgCmooAgBsaiENIBEgDiAN/QAEAP3mAf3kASERIBIgDiAN/QAEEP3mAf3kASESIBMgDiAN/QAEIP3mAf3kASETIBQgDiAN/QAEMP3mAf3kASEUIBUgDiAN/QAEQP3mAf3kASEVIBYgDiAN/QAEUP3mAf3kASEWIBcgDiAN/QAEYP3mAf3kASEXIBggDiAN/QAEcP3mAf3kASEYIApBBGohCgwACwsgBiALaiENIA0gEf0LBAAgDSAS/QsEECANIBP9CwQgIA0gFP0LBDAgDSAV/QsEQCANIBb9CwRQIA0gF/0LBGAgDSAY/QsEcCALQYABaiELDAALCwJAA0AgC0HAAGogDEsNAf0MAAAAAAAAAAAAAAAAAAAAACER/QwAAAAAAAAAAAAAAAAAAAAAIRL9DAAAAAAAAAAAAAAAAAAAAAAhE/0MAAAAAAAAAAAAAAAAAAAAACEUIAghCgJAA0AgCiAJTw0BIAIgCmr9CQIAIQ4gBCALaiAMIAEgCmooAgBsaiENIBEgDiAN/QAEAP3mAf3kASERIBIgDiAN/QAEEP3mAf3kASESIBMgDiAN/QAEIP3mAf3kASETIBQgDiAN/QAEMP3mAf3kASEUIApBBGohCgwACwsgBiALaiENIA0gEf0LBAAgDSAS/QsEECANIBP9CwQgIA0gFP0LBDAgC0HAAGohCwwACwsCQANAIAtBEGogDEsNAf0MAAAAAAAAAAAAAAAAAAAAACERIAghCgJAA0AgCiAJTw0BIAIgCmr9CQIAIQ4gBCALaiAMIAEgCmooAgBsaiENIBEgDiAN/QAEAP3mAf3kASERIApBBGohCgwACwsgBiALaiENIA0gEf0LBAAgC0EQaiELDAALCwJAA0AgCyAMTw0BQwAAAAAhECAIIQoCQANAIAogCU8NASACIApqKgIAIQ8gBCALaiAMIAEgCmooAgBsaiENIBAgDyANKgIAlJIhECAKQQRqIQoMAAsLIAYgC2ogEDgCACALQQRqIQsMAAsLIAYgDGohBiAAQQRqIQAMAAsLCw==';

/** SHA-256 of the text that the bytes above were assembled from: whoever changes `spmm.wat` assembles it again. */
export const SPMM_WAT_SHA256 = 'f84d0fa070ea3502acb4c37f5cd3ec70c957fc5f8f7209c2f26c10f7d7147472';

/** The engine's own, which TypeScript knows only with the whole of the DOM. */
declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: Readonly<Record<string, unknown>> };
};

/** A `WebAssembly.Memory`. */
export interface WasmMemory {
  readonly buffer: ArrayBufferLike;
}

/** The kernel over one memory; addresses are byte offsets in it. See `spmm.wat`. */
export type SpmmSimd = (rowPtr: number, col: number, val: number, rows: number, x: number, width: number, out: number) => void;

let compiled: object | undefined;

/** The SIMD kernel on `memory`, or undefined where the engine has no WebAssembly SIMD. */
export function instantiateSpmmSimd(memory: WasmMemory): SpmmSimd | undefined {
  const bytes = Buffer.from(SPMM_WASM, 'base64');
  if (!WebAssembly.validate(bytes)) return undefined;
  compiled ??= new WebAssembly.Module(bytes);
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports.spmm as SpmmSimd;
}
