import { type HttpCall, queryOf } from './http-call.ts';

/** What goes wrong, for the requests that match; the first fault that matches is served. Given to `POST /_double/faults`. */
export interface DoubleFault {
  readonly match?: {
    readonly method?: string;
    /** The path's end, as in `/_api/import`. */
    readonly path?: string;
    /** A part of the query's text. */
    readonly query?: string;
    /** The n-th request that matches, from 1. */
    readonly nth?: number;
  };
  /** How often; default 1. */
  readonly times?: number;
  /** An error answer: HTTP status, number and message of ArangoDB. */
  readonly status?: number;
  readonly errorNum?: number;
  readonly errorMessage?: string;
  /** The attributes of an answer that is no error, as `{"created": 0, "errors": 1, …}`, with `status`. */
  readonly answer?: Readonly<Record<string, unknown>>;
  /** Waits before anything else; then all goes well, unless more is said. */
  readonly delayMs?: number;
  /** Cuts the connection instead of an answer. */
  readonly reset?: boolean;
  /** Does what was asked first: only the answer is lost. */
  readonly after?: boolean;
}

/** The faults that are set, and how often each was served. */
export class FaultList {
  #faults: { readonly fault: DoubleFault; seen: number; served: number }[] = [];

  add(faults: readonly DoubleFault[]): void {
    this.#faults.push(...faults.map((fault) => ({ fault, seen: 0, served: 0 })));
  }

  clear(): void {
    this.#faults = [];
  }

  get served(): readonly number[] {
    return this.#faults.map(({ served }) => served);
  }

  take(call: HttpCall): DoubleFault | undefined {
    for (const entry of this.#faults) {
      const { match = {}, times = 1 } = entry.fault;
      if (match.method !== undefined && match.method !== call.method) continue;
      if (match.path !== undefined && !call.path.endsWith(match.path)) continue;
      if (match.query !== undefined && !queryOf(call)?.includes(match.query)) continue;
      entry.seen += 1;
      if (entry.served >= times || (match.nth !== undefined && entry.seen < match.nth)) continue;
      entry.served += 1;
      return entry.fault;
    }
    return undefined;
  }
}
