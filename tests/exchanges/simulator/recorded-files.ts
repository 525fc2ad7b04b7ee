import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { startTestSimulator, type TestSimulator } from '../../support/simulator.ts';

export const MINUTE = 60_000;
export const NOON = Date.UTC(2024, 11, 31, 12);

/** A simulator over a folder of these files; a name that ends in `.gz` is packed. */
export async function serve(t: TestContext, files: Readonly<Record<string, string>>, options: object = {}): Promise<TestSimulator> {
  const folder = await mkdtemp(join(tmpdir(), 'recording-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), name.endsWith('.gz') ? gzipSync(text) : text);
  const simulator = await startTestSimulator({ recording: folder, weightLimit: 1_000_000, ...options });
  t.after(() => simulator.close());
  return simulator;
}

/** An archive's candle line. */
export function candleLine(open: number, prices: string, volume = '2.50000000', unit = 1): string {
  const close = (open + 5 * MINUTE) * unit - 1;
  return `${open * unit},${prices},${volume},${close},250.12500000,7,1.25000000,125.06250000,0`;
}

export const tradeLine = (id: number, time: number, price = '100.00000000', quantity = '0.50000000', maker = 'True'): string =>
  `${id},${price},${quantity},${(Number(price) * Number(quantity)).toFixed(8)},${time},${maker},True`;

export const PRICES = '100.00000000,101.50000000,99.00000000,100.50000000';
export const rowsOf = async (simulator: TestSimulator, query: string): Promise<unknown[][]> =>
  (await simulator.get(`klines?${query}`)).body as unknown[][];
