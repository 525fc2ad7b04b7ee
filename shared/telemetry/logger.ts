/** Fields of a log line. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Structured log: one JSON line an entry, on stderr. Secrets are redacted by name. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A logger that adds these fields to every line (`queue_id`, `traceparent`, …). */
  child(fields: LogFields): Logger;
}
