import { destination, type Logger as Pino, pino, stdTimeFunctions } from 'pino';
import type { LogFields, Logger } from './logger.ts';
import { redact, redactText } from './redact.ts';

/** `LOG_LEVEL`, most to least talkative; `silent` writes nothing. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const STDERR = 2;

/**
 * JSON lines on stderr: `{"level":"info","time":"2024-08-01T00:00:00.000Z","function":"fetch","queue_id":…,"message":…}`. Written in this thread, without
 * a worker transport: nothing is lost when the process ends. `write` takes the lines instead (tests, the demo's own display).
 */
export function createLogger(options: { readonly level: LogLevel; readonly write?: (line: string) => void }): Logger {
  const { write } = options;
  const stream = write === undefined ? destination({ fd: STDERR, sync: true }) : { write };
  const root = pino(
    {
      level: options.level,
      base: null,
      messageKey: 'message',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  );
  return wrap(root, root, {});
}

/** A logger that says nothing. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};

/** `bound` are the fields that `log` adds to every line: one of them said anew replaces it, so that no line has a name twice. */
function wrap(root: Pino, log: Pino, bound: LogFields): Logger {
  const clashes = (fields: LogFields): boolean => Object.keys(fields).some((name) => Object.hasOwn(bound, name));
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => (fields: LogFields, message: string) => {
    // Lines below the level are common on hot paths: they cost no copy.
    if (!log.isLevelEnabled(level)) return;
    const clean = redact(fields) as LogFields;
    if (clashes(clean)) root[level]({ ...bound, ...clean }, redactText(message));
    else log[level](clean, redactText(message));
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child(fields) {
      const clean = redact(fields) as LogFields;
      const all = { ...bound, ...clean };
      return wrap(root, clashes(clean) ? root.child(all) : log.child(clean), all);
    },
  };
}
