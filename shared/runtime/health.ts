import { AppError, toAppError } from '../domain/errors.ts';
import type { Clock } from './context.ts';
import { CHECK_EVERY_MS, CHECK_MS } from './defaults.ts';

/** Where a process stands in its life. */
export type Phase = 'starting' | 'running' | 'draining';

/** Something that work depends on: resolves when it is there, rejects with why it is not. */
export interface Check {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** The answer of a probe. */
export interface HealthReport {
  readonly status: 'ok' | 'starting' | 'draining' | 'unavailable';
  /** What each dependency said: `ok`, or the code and message of its failure. */
  readonly checks: Readonly<Record<string, string>>;
}

/** What the probes of a process say. */
export interface Health {
  phase: Phase;
  /** Ready to be given work: started, not draining, every dependency there. */
  readiness(): Promise<HealthReport>;
}

/**
 * Readiness from checks that are asked when a probe comes, at most once a second; one that does not answer within two seconds counts as away. Liveness asks
 * nobody: an outage of the log must not restart every process that waits for it.
 */
export function createHealth(checks: readonly Check[], clock: Clock): Health {
  let phase: Phase = 'starting';
  let last: { readonly at: number; readonly report: Promise<Record<string, string>> } | undefined;
  return {
    get phase() {
      return phase;
    },
    set phase(next) {
      phase = next;
    },
    async readiness() {
      if (phase !== 'running') return { status: phase, checks: {} };
      const now = clock.now();
      if (last === undefined || now - last.at >= CHECK_EVERY_MS) last = { at: now, report: runAll(checks, clock) };
      const results = await last.report;
      const status = Object.values(results).every((result) => result === 'ok') ? 'ok' : 'unavailable';
      return { status, checks: results };
    },
  };
}

async function runAll(checks: readonly Check[], clock: Clock): Promise<Record<string, string>> {
  const results = await Promise.all(checks.map(async ({ name, run }) => [name, await resultOf(run, clock)] as const));
  return Object.fromEntries(results);
}

async function resultOf(run: () => Promise<void>, clock: Clock): Promise<string> {
  const answered = new AbortController();
  const late = clock.sleep(CHECK_MS, answered.signal).then(
    () => {
      throw new AppError('timeout', `no answer within ${CHECK_MS} ms`);
    },
    () => undefined,
  );
  try {
    await Promise.race([run(), late]);
    return 'ok';
  } catch (error) {
    const { code, message } = toAppError(error);
    return `${code}: ${message}`;
  } finally {
    answered.abort();
  }
}
