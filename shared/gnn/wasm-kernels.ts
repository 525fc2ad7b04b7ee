/** `kernels.wat` assembled (WebAssembly with 128-bit SIMD), base64. */
const KERNELS_WASM =
  'AGFzbQEAAAABGwNgB39/f39/f38AYAR/f39/AGAGf39/f399AAIPAQNlbnYGbWVtb3J5AgAAAwUEAAECAQcqBARzcG1tAAAIcmVsdUdyYWQAAQdkcm9wb3V0AAIKY29sdW1uU3VtcwADCusNBJ0IBAd/AXsCfQh7IAVBAnQhDCAAIANBAnRqIQcCQANAIAAgB08NASAAKAIAQQJ0IQggACgCBEECdCEJQQAhCwJAA0AgC0GAAWogDEsNAf0MAAAAAAAAAAAAAAAAAAAAACER/QwAAAAAAAAAAAAAAAAAAAAAIRL9DAAAAAAAAAAAAAAAAAAAAAAhE/0MAAAAAAAAAAAAAAAAAAAAACEU/QwAAAAAAAAAAAAAAAAAAAAAIRX9DAAAAAAAAAAAAAAAAAAAAAAhFv0MAAAAAAAAAAAAAAAAAAAAACEX/QwAAAAAAAAAAAAAAAAAAAAAIRggCCEKAkADQCAKIAlPDQEgAiAKav0JAgAhDiAEIAtqIAwgASAKaigCAGxqIQ0gESAOIA39AAQA/eYB/eQBIREgEiAOIA39AAQQ/eYB/eQBIRIgEyAOIA39AAQg/eYB/eQBIRMgFCAOIA39AAQw/eYB/eQBIRQgFSAOIA39AARA/eYB/eQBIRUgFiAOIA39AARQ/eYB/eQBIRYgFyAOIA39AARg/eYB/eQBIRcgGCAOIA39AARw/eYB/eQBIRggCkEEaiEKDAALCyAGIAtqIQ0gDSAR/QsEACANIBL9CwQQIA0gE/0LBCAgDSAU/QsEMCANIBX9CwRAIA0gFv0LBFAgDSAX/QsEYCANIBj9CwRwIAtBgAFqIQsMAAsLAkADQCALQcAAaiAMSw0B/QwAAAAAAAAAAAAAAAAAAAAAIRH9DAAAAAAAAAAAAAAAAAAAAAAhEv0MAAAAAAAAAAAAAAAAAAAAACET/QwAAAAAAAAAAAAAAAAAAAAAIRQgCCEKAkADQCAKIAlPDQEgAiAKav0JAgAhDiAEIAtqIAwgASAKaigCAGxqIQ0gESAOIA39AAQA/eYB/eQBIREgEiAOIA39AAQQ/eYB/eQBIRIgEyAOIA39AAQg/eYB/eQBIRMgFCAOIA39AAQw/eYB/eQBIRQgCkEEaiEKDAALCyAGIAtqIQ0gDSAR/QsEACANIBL9CwQQIA0gE/0LBCAgDSAU/QsEMCALQcAAaiELDAALCwJAA0AgC0EQaiAMSw0B/QwAAAAAAAAAAAAAAAAAAAAAIREgCCEKAkADQCAKIAlPDQEgAiAKav0JAgAhDiAEIAtqIAwgASAKaigCAGxqIQ0gESAOIA39AAQA/eYB/eQBIREgCkEEaiEKDAALCyAGIAtqIQ0gDSAR/QsEACALQRBqIQsMAAsLAkADQCALIAxPDQFDAAAAACEQIAghCgJAA0AgCiAJTw0BIAIgCmoqAgAhDyAEIAtqIAwgASAKaigCAGxqIQ0gECAPIA0qAgCUkiEQIApBBGohCgwACwsgBiALaiAQOAIAIAtBBGohCwwACwsgBiAMaiEGIABBBGohAAwACwsLkwEBA38gA0ECdCEFIAVBcHEhBgJAA0AgBCAGTw0BIAIgBGogACAEav0ABAAgASAEav0ABAD9DAAAAAAAAAAAAAAAAAAAAAD9RP1O/QsEACAEQRBqIQQMAAsLAkADQCAEIAVPDQEgAiAEaiAAIARqKgIAQwAAAAAgASAEaioCAEMAAAAAXhs4AgAgBEEEaiEEDAALCwvpAgUBfwR7AX8BewF/IAJBAnQhBiAE/REhCSAF/RMhCiAD/RH9DAEAAAACAAAAAwAAAAQAAABB9fOt6Qb9Ef21Af2uASEHAkADQCALIAZPDQEgByAHQQ/9rQH9USAH/QwBAAAAAQAAAAEAAAABAAAA/VD9tQEhCCAIIAggCCAIQQf9rQH9USAI/Qw9AAAAPQAAAD0AAAA9AAAA/VD9tQH9rgH9USEIIAggCEEO/a0B/VEhCCAIIAn9QCEMIAYgC2shDSANQRBPBEAgASALaiAMIAAgC2r9AAQAIAr95gH9Tv0LBAAFIAEgC2ogACALaioCACAFlEMAAAAAIAz9GwAbOAIAIA1BCE8EQCABIAtqIAAgC2oqAgQgBZRDAAAAACAM/RsBGzgCBAsgDUEMTwRAIAEgC2ogACALaioCCCAFlEMAAAAAIAz9GwIbOAIICwsgB0HUz7ele/0R/a4BIQcgC0EQaiELDAALCwvJAQMEfwF7AX0gAkECdCEEIAAgASAEbGohBwJAA0AgBUEQaiAESw0B/QwAAAAAAAAAAAAAAAAAAAAAIQggACEGAkADQCAGIAdPDQEgCCAGIAVq/QAEAP3kASEIIAYgBGohBgwACwsgAyAFaiAI/QsEACAFQRBqIQUMAAsLAkADQCAFIARPDQFDAAAAACEJIAAhBgJAA0AgBiAHTw0BIAkgBiAFaioCAJIhCSAGIARqIQYMAAsLIAMgBWogCTgCACAFQQRqIQUMAAsLCw==';

/** SHA-256 of the text that the bytes above were assembled from: whoever changes `kernels.wat` assembles it again. */
export const KERNELS_WAT_SHA256 = '58257a25cec69aea57d6060c0c7646c3ba8c029fd87a5b6e175ba2a159ec29b9';

/** The engine's own, which TypeScript knows only with the whole of the DOM. */
declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
};

/** A `WebAssembly.Memory`. */
export interface WasmMemory {
  readonly buffer: ArrayBufferLike;
}

/** The kernels over one memory; arrays are byte offsets in it. What each does stands in `kernels.wat`, and in TypeScript in `loops.ts`. */
export interface WasmKernels {
  spmm(rowPtr: number, col: number, val: number, rows: number, x: number, width: number, out: number): void;
  reluGrad(dy: number, y: number, out: number, count: number): void;
  columnSums(x: number, rows: number, width: number, out: number): void;
  dropout(x: number, out: number, count: number, seed: number, threshold: number, scale: number): void;
}

let compiled: object | undefined;

/** The kernels on `memory`, or undefined where the engine has no WebAssembly SIMD. */
export function instantiateKernels(memory: WasmMemory): WasmKernels | undefined {
  const bytes = Buffer.from(KERNELS_WASM, 'base64');
  if (!WebAssembly.validate(bytes)) return undefined;
  compiled ??= new WebAssembly.Module(bytes);
  return new WebAssembly.Instance(compiled, { env: { memory } }).exports as WasmKernels;
}
