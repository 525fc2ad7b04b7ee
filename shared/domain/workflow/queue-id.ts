import { LONGEST_TARGET } from './targets.ts';

/** Longest name of a Kubernetes object that becomes a label or a host name (RFC 1123, section 2.1). */
const KUBERNETES_NAME = 63;
/** Longest queue id: behind it stand "-" and the longest target. */
export const QUEUE_ID_LENGTH = KUBERNETES_NAME - 1 - LONGEST_TARGET;

/** Characters of the short id. */
export const SHORT_ID_LENGTH = 6;
const SHORT_ID = /^[a-z0-9]{6}$/;

/** What a queue id is made of. `from` is epoch ms, `shortId` six of `[a-z0-9]`. */
export interface QueueIdParts {
  readonly symbol: string;
  readonly type: string;
  readonly from: number;
  readonly shortId: string;
}

/**
 * `wf-<symbol>-<type>-<yyyymmdd>-<short id>`, as in `wf-btcusdt-api_candles_5m-20240801-a1b2c3`: lower case, `1M` as `1mo`, the symbol cut so that the id
 * with "_" as "-" and the longest target behind it is a Kubernetes name. Throws `RangeError` for a short id of another form.
 */
export function queueId({ symbol, type, from, shortId }: QueueIdParts): string {
  if (!SHORT_ID.test(shortId)) throw new RangeError(`${JSON.stringify(shortId)} is not six of [a-z0-9]`);
  const day = new Date(from).toISOString().slice(0, 10).replaceAll('-', '');
  const tail = `${type.replace(/_1M$/, '_1mo').toLowerCase()}-${day}-${shortId}`;
  const room = QUEUE_ID_LENGTH - 'wf--'.length - tail.length;
  const name = symbol
    .toLowerCase()
    .replaceAll('.', '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, Math.max(1, room));
  return `wf-${name === '' ? 'x' : name}-${tail}`;
}

/** The name of the job that works for a workflow under a published target: RFC 1123, at most 63 characters. */
export function jobName(id: string, target: string): string {
  return `${id}-${target}`.replaceAll('_', '-');
}

/** The short id at the end of a queue id. */
export function shortIdOf(id: string): string {
  return id.slice(id.lastIndexOf('-') + 1);
}

/** True for an id that a caller may bring: of the form above and short enough. */
export function isQueueId(text: string): boolean {
  return text.length <= QUEUE_ID_LENGTH && /^wf-[a-z0-9][a-z0-9_-]*-[a-z0-9_]+-\d{8}-[a-z0-9]{6}$/.test(text);
}
