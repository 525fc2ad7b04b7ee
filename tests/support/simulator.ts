import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { JournalEntry } from '../../shared/exchanges/simulator/journal.ts';
import type { SimulatorOptions } from '../../shared/exchanges/simulator/options.ts';
import { startSimulator } from '../../shared/exchanges/simulator/simulator.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** A simulator that a test talks to. */
export interface TestSimulator {
  readonly rest: string;
  readonly ws: string;
  close(): Promise<void>;
  /** `GET /api/v3/<path>` or, with a slash before it, `GET <path>`: the status, and the body if it is JSON. */
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<{ status: number; headers: Headers; body: unknown }>;
  /** Rows that exist: what a correct system must end up with. Times in epoch ms, half-open. */
  truth<R>(series: string, range?: { readonly from?: number; readonly to?: number }): Promise<R[]>;
  /** Every request behind the one with the id `since` (default 0: all). */
  requests(since?: number): Promise<JournalEntry[]>;
  addFaults(...faults: readonly object[]): Promise<void>;
  /** Faults with how often each was `seen` and `served`. */
  faults(): Promise<{ readonly do: string; readonly seen: number; readonly served: number }[]>;
  clearFaults(): Promise<void>;
  setClock(change: {
    readonly now?: number | string;
    readonly advance_ms?: number;
    readonly speed?: number;
  }): Promise<{ now: number; speed: number }>;
}

/** A simulator in this process. */
export async function startTestSimulator(options: SimulatorOptions = {}): Promise<TestSimulator> {
  const simulator = await startSimulator(options);
  return withCalls(simulator.rest, simulator.ws, () => simulator.close());
}

/** A simulator in a process of its own, for whatever measures or kills this one. `faults` go in after the start. */
export async function startSimulatorProcess(options: SimulatorOptions = {}): Promise<TestSimulator & { readonly process: ChildProcess }> {
  const { faults, ...flags } = options;
  const argv = Object.entries(flags).flatMap(([name, value]) => [
    `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    String(value),
  ]);
  const child = spawn(process.execPath, [resolve(ROOT, 'shared/exchanges/simulator/main.ts'), ...argv], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  const [line] = (await Promise.race([
    once(createInterface({ input: child.stdout as Readable }), 'line'),
    exited.then(([code]) => Promise.reject(new Error(`the simulator ended with code ${code} before it was ready`))),
  ])) as [string];
  const { rest, ws } = JSON.parse(line) as { rest: string; ws: string };
  const close = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
  };
  const simulator = { ...withCalls(rest, ws, close), process: child };
  if (faults !== undefined) await simulator.addFaults(...(Array.isArray(faults) ? faults : [faults]));
  return simulator;
}

function withCalls(rest: string, ws: string, close: () => Promise<void>): TestSimulator {
  const call = async (method: string, path: string, body?: unknown): Promise<Response> => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const response = await fetch(`${rest}/_sim/${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} /_sim/${path}: ${response.status} ${await response.text()}`);
    return response;
  };
  return {
    rest,
    ws,
    close,
    async get(path, headers = {}) {
      const response = await fetch(path.startsWith('/') ? `${rest}${path}` : `${rest}/api/v3/${path}`, { headers });
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
      return { status: response.status, headers: response.headers, body: isJson ? (JSON.parse(text) as unknown) : text };
    },
    async truth<R>(series: string, range: { readonly from?: number; readonly to?: number } = {}) {
      const query = new URLSearchParams({
        series,
        ...(range.from === undefined ? {} : { from: String(range.from) }),
        ...(range.to === undefined ? {} : { to: String(range.to) }),
      });
      const text = await (await call('GET', `truth?${query}`)).text();
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as R);
    },
    requests: async (since = 0) => (await call('GET', `requests?since=${since}`)).json() as Promise<JournalEntry[]>,
    async addFaults(...faults) {
      await call('POST', 'faults', faults);
    },
    faults: async () => (await call('GET', 'faults')).json() as Promise<{ do: string; seen: number; served: number }[]>,
    async clearFaults() {
      await call('DELETE', 'faults');
    },
    setClock: async (change) => (await call('POST', 'clock', change)).json() as Promise<{ now: number; speed: number }>,
  };
}

/** The folder of recordings to check against, or `false` with nothing there: tests then skip with `NO_RECORDINGS`. */
export const RECORDINGS: string = resolve(ROOT, process.env.STREAMFORGE_RECORDINGS ?? '../shared/data');

/** A reason to skip for tests that need a recording, or `false` where it is there. */
export function withoutRecording(name: string): string | false {
  const path = resolve(RECORDINGS, name);
  return existsSync(path) ? false : `skipped, because there is no recording ${name} in STREAMFORGE_RECORDINGS`;
}
