import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseFaults, type RestFault } from './faults.ts';

/** How a simulator is started. Everything has a default. */
export interface SimulatorOptions {
  /** 0 takes a free port. Default 0. */
  readonly port?: number;
  /** Of the synthetic market. Default 1. */
  readonly seed?: number;
  /** A folder of recordings, or one file: served instead of the synthetic market. */
  readonly recording?: string;
  /** Where the clock starts, epoch ms. Default: just after the market's end. */
  readonly now?: number;
  /** Simulated seconds a second; 0 stands still. Default 1. */
  readonly speed?: number;
  /** Request weight a minute. Default 6,000. */
  readonly weightLimit?: number;
  /** Faults that are set from the beginning, as `POST /_sim/faults` takes them. */
  readonly faults?: unknown;
  /** How strongly the synthetic symbols follow BTCUSDT five minutes later: a correlation, 0 to 0.8. Default 0.3. */
  readonly leadStrength?: number;
  /** Aggregate trades that the synthetic XRPUSDT makes in one millisecond, on the 15th of a month at 12:00 UTC. Default 1,100; 0 for none. */
  readonly burst?: number;
  /** MiB of rendered candles that are kept, so that a page asked for again costs nothing. Default 64: some 400,000 candles. */
  readonly pageCacheMib?: number;
}

/** Options with every default in place. */
export interface SimulatorSettings {
  readonly port: number;
  readonly seed: number;
  readonly recording: string | undefined;
  readonly now: number | undefined;
  readonly speed: number;
  readonly weightLimit: number;
  readonly faults: readonly RestFault[];
  readonly leadStrength: number;
  readonly burst: number;
  readonly pageCacheMib: number;
}

/** Thrown for an option or a flag that makes no sense; names it and what is allowed. */
export class BadOption extends Error {}

/** Fills in defaults and checks ranges. Throws `BadOption`, and `BadFault` for the faults. */
export function settleOptions(options: SimulatorOptions): SimulatorSettings {
  const number = (name: keyof SimulatorOptions, fallback: number, least: number, most: number, isWhole = true): number => {
    const value = options[name] ?? fallback;
    if (typeof value !== 'number' || !(value >= least && value <= most) || (isWhole && !Number.isInteger(value))) {
      throw new BadOption(`${name} is ${String(value)}; allowed is a${isWhole ? ' whole' : ''} number from ${least} to ${most}`);
    }
    return value;
  };
  return {
    port: number('port', 0, 0, 65_535),
    seed: number('seed', 1, 0, 0xffff_ffff),
    recording: options.recording,
    now: options.now === undefined ? undefined : number('now', 0, 0, 8_640_000_000_000_000),
    speed: number('speed', 1, 0, 100_000, false),
    weightLimit: number('weightLimit', 6_000, 1, 1e12),
    faults: options.faults === undefined ? [] : parseFaults(options.faults),
    leadStrength: number('leadStrength', 0.3, 0, 0.8, false),
    burst: number('burst', 1_100, 0, 100_000),
    pageCacheMib: number('pageCacheMib', 64, 0, 16_384),
  };
}

/** The flags of `streamforge simulate`, for whoever describes or parses them. */
export const SIMULATOR_FLAGS = {
  port: { type: 'string' },
  seed: { type: 'string' },
  recording: { type: 'string' },
  now: { type: 'string' },
  speed: { type: 'string' },
  'weight-limit': { type: 'string' },
  faults: { type: 'string' },
  'lead-strength': { type: 'string' },
  burst: { type: 'string' },
  'page-cache-mib': { type: 'string' },
} as const;

/** Values of those flags, as text. */
export type SimulatorFlags = { readonly [name in keyof typeof SIMULATOR_FLAGS]?: string | undefined };

/** Reads `--port 0 --seed 1 --recording DIR --now ISO --speed N --weight-limit 6000 --faults FILE`. Throws `BadOption`. */
export function parseSimulatorArguments(argv: readonly string[]): SimulatorOptions {
  try {
    return readSimulatorFlags(parseArgs({ args: [...argv], options: SIMULATOR_FLAGS, allowPositionals: false }).values);
  } catch (error) {
    const isUse = error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
    throw isUse ? new BadOption(error.message) : error;
  }
}

/** Turns flags into options; the faults are read from their file. Throws `BadOption`. */
export function readSimulatorFlags(flags: SimulatorFlags): SimulatorOptions {
  const number = (name: keyof SimulatorFlags): number | undefined => {
    const text = flags[name];
    if (text === undefined) return undefined;
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isNaN(value)) throw new BadOption(`--${name} is ${JSON.stringify(text)}, which is no number`);
    return value;
  };
  const found: { -readonly [name in keyof SimulatorOptions]: SimulatorOptions[name] | undefined } = {
    port: number('port'),
    seed: number('seed'),
    recording: flags.recording,
    now: flags.now === undefined ? undefined : readInstant(flags.now),
    speed: number('speed'),
    weightLimit: number('weight-limit'),
    faults: flags.faults === undefined ? undefined : readFaultsFile(flags.faults),
    leadStrength: number('lead-strength'),
    burst: number('burst'),
    pageCacheMib: number('page-cache-mib'),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

function readInstant(text: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isNaN(value)) throw new BadOption(`--now is ${JSON.stringify(text)}; give an ISO instant such as 2024-09-01T00:00:10Z`);
  return value;
}

function readFaultsFile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown;
  } catch (error) {
    throw new BadOption(`--faults ${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
