import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** A clock tick of `/proc`, in seconds. */
const TICK_SECONDS = 0.01;
const LOOK_MS = 250;

/** proc(5): `VmHWM` in `/proc/<pid>/status`, the largest resident size since the start, in KiB there and in bytes here. */
export async function peakBytes(pid: number | undefined): Promise<number> {
  const found = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'));
  return Number(found?.[1]) * 1_024;
}

/** Processor time of a process, all threads. */
export async function processorSeconds(pid: number | undefined): Promise<number> {
  const fields = await statOf(pid);
  return (Number(fields[11]) + Number(fields[12])) * TICK_SECONDS;
}

/** proc(5): the fields of `/proc/<pid>/stat` from the third on (`utime` is the 14th); the second one may hold blanks in its brackets. */
async function statOf(pid: number | string | undefined): Promise<readonly string[]> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** Looks at everything that this process started, and what that started, until it is stopped. */
export interface ProcessWatch {
  /** Largest resident sizes in bytes, by name; several processes of one name: the largest. Ends the watch. */
  stop(): Promise<ReadonlyMap<string, number>>;
}

/** Watches processes of which `nameOf` knows the name, by their command line; most of them end before anybody asks. */
export function watchProcesses(nameOf: (command: readonly string[]) => string | undefined): ProcessWatch {
  const peaks = new Map<string, number>();
  const over = new AbortController();
  const look = async (): Promise<void> => {
    for (const pid of await descendants()) {
      try {
        const name = nameOf((await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0'));
        if (name !== undefined) peaks.set(name, Math.max(peaks.get(name) ?? 0, (await peakBytes(pid)) || 0));
      } catch {
        // It ended in between.
      }
    }
  };
  const watching = (async () => {
    while (!over.signal.aborted) {
      await look();
      await sleep(LOOK_MS, undefined, { signal: over.signal }).catch(() => undefined);
    }
  })();
  return {
    async stop() {
      over.abort();
      await watching;
      await look();
      return peaks;
    },
  };
}

async function descendants(): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = new Map<number, number>();
  for (const pid of pids) {
    const fields = await statOf(pid).catch(() => []);
    if (fields[1] !== undefined) parents.set(pid, Number(fields[1]));
  }
  const isOurs = (pid: number): boolean => {
    const parent = parents.get(pid);
    return parent !== undefined && (parent === process.pid || isOurs(parent));
  };
  return pids.filter(isOurs);
}
