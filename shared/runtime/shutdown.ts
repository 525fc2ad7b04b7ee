import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../telemetry/logger.ts';
import type { Consumer } from './consume.ts';
import { CLOSE_MS } from './defaults.ts';
import type { Health } from './health.ts';
import type { HttpServer } from './http-server.ts';
import type { Task } from './one-job.ts';
import type { OpenPorts } from './ports.ts';
import type { Schedule } from './schedule.ts';

/** What runs in a process, as far as it was started. */
export interface Running {
  readonly health: Health;
  readonly logger: Logger;
  consumers: readonly Consumer[];
  schedules: readonly Schedule[];
  readonly tasks: Task[];
  server?: HttpServer;
  ports?: OpenPorts;
  /** Whatever else is to be closed at the very end. */
  readonly others: (() => Promise<void>)[];
}

/**
 * Ends a process in this order: no longer ready; nothing more is fetched; what is in flight is finished, or aborted when `graceMs` is over; done work is
 * committed and the groups are left; the log is flushed, the database closed; HTTP last. Bounded: what does not end in time is left behind and said.
 */
export async function shutDown(running: Running, graceMs: number): Promise<void> {
  const { health, logger, consumers, schedules, tasks, server, ports, others } = running;
  health.phase = 'draining';
  server?.drain();
  const attempt = (what: string, work: Promise<unknown> | undefined, ms: number): Promise<void> => bounded(logger, what, work, ms);
  await Promise.all([
    ...consumers.map((consumer) => attempt(`consumer ${consumer.name}`, consumer.stop({ graceMs }), graceMs + CLOSE_MS)),
    ...schedules.map((schedule) => attempt(`schedule ${schedule.name}`, schedule.stop({ graceMs }), graceMs + CLOSE_MS)),
    ...tasks.map((task) => attempt(`task ${task.name}`, task.stop({ graceMs }), graceMs + CLOSE_MS)),
    attempt('requests in flight', server?.settle(graceMs), graceMs + CLOSE_MS),
  ]);
  await attempt('log, store and objects', ports?.close(), CLOSE_MS);
  await attempt('HTTP server', server?.close(), CLOSE_MS * 2);
  for (const close of others) await attempt('what ran beside', close(), CLOSE_MS);
}

async function bounded(logger: Logger, what: string, work: Promise<unknown> | undefined, ms: number): Promise<void> {
  if (work === undefined) return;
  const ended = new AbortController();
  // By the machine's clock, whatever clock the work has: a shutdown that waits for a clock that stands still would never end.
  const late = sleep(ms, 'late', { signal: ended.signal }).catch(() => 'ended');
  try {
    if ((await Promise.race([work, late])) === 'late') logger.error({ what, ms }, 'Shutdown does not wait any longer.');
  } catch (error) {
    logger.error({ error, what }, 'Shutdown failed in part.');
  } finally {
    ended.abort();
  }
}
