import { z } from 'zod';

const whole = z.number().int().min(0);
const LONGEST_DELAY_MS = 3_600_000;

const match = z.strictObject({
  /** Matches a request whose path ends like this. */
  path: z.string().min(1).max(200).optional(),
  symbol: z.string().min(1).max(40).optional(),
  /** Name of a stream; only for `on: "ws"`. */
  stream: z.string().min(1).max(200).optional(),
  /** Matching requests are counted from 1; the fault begins with this one. */
  nth: whole.min(1).optional(),
  /** The request's `fromId`. */
  from_id: whole.optional(),
});

const common = {
  on: z.literal('rest'),
  match: match.omit({ stream: true }).optional(),
  times: whole.min(1).max(1e9).default(1),
};

/** Faults of REST answers, as `POST /_sim/faults` takes them (`contracts.md`, *The simulator*). */
const restFault = z.discriminatedUnion('do', [
  z.strictObject({
    ...common,
    do: z.literal('status'),
    status: z.number().int().min(200).max(599),
    headers: z.record(z.string().regex(/^[A-Za-z0-9-]{1,100}$/), z.string().max(1_000)).optional(),
    body: z.union([z.string(), z.looseObject({}), z.array(z.unknown())]).optional(),
  }),
  z.strictObject({ ...common, do: z.literal('reset'), after_bytes: whole.default(0) }),
  z.strictObject({ ...common, do: z.literal('truncate'), after_bytes: whole }),
  z.strictObject({
    ...common,
    do: z.literal('delay'),
    ms: whole.max(LONGEST_DELAY_MS),
    per_chunk: z.union([z.boolean(), whole.min(1)]).optional(),
  }),
  z.strictObject({
    ...common,
    do: z.literal('drop'),
    rows: z.tuple([whole, whole]).refine(([from, to]) => to > from, { message: 'the second index must be greater than the first' }),
  }),
  z.strictObject({ ...common, do: z.literal('duplicate'), of: z.enum(['self', 'previous']).default('self') }),
]);

/** One fault of REST answers, with its defaults filled in. */
export type RestFault = z.infer<typeof restFault>;

/** What is wrong with a fault, by path. */
export interface FaultProblem {
  readonly path: string;
  readonly message: string;
}

/** Thrown for a fault that nobody could serve. */
export class BadFault extends Error {
  readonly problems: readonly FaultProblem[];

  constructor(problems: readonly FaultProblem[]) {
    super(`not a fault: ${problems.map(({ path, message }) => `${path}: ${message}`).join('; ')}`);
    this.problems = problems;
  }
}

/** A request, as faults see it. */
export interface FaultTarget {
  readonly path: string;
  readonly symbol: string | null;
  readonly fromId: string | null;
  /** The answer is an array of rows: only then can rows be left out or come twice. */
  readonly isPage: boolean;
}

interface Registered {
  readonly id: number;
  readonly fault: RestFault;
  seen: number;
  served: number;
}

/** A fault and how often it met a request (`seen`) and was served. */
export type FaultReport = RestFault & { readonly id: number; readonly seen: number; readonly served: number };

/** Reads one fault or an array of them. Throws `BadFault` with every problem; then none is taken. */
export function parseFaults(input: unknown): RestFault[] {
  const list = Array.isArray(input) ? input : [input];
  const problems: FaultProblem[] = [];
  const faults: RestFault[] = [];
  list.forEach((entry: unknown, index) => {
    const prefix = Array.isArray(input) ? `[${index}]` : '';
    if (typeof entry === 'object' && entry !== null && 'on' in entry && entry.on === 'ws') {
      problems.push({ path: `${prefix}on`, message: 'streams are not simulated yet; allowed: "rest"' });
      return;
    }
    const result = restFault.safeParse(entry);
    if (result.success) faults.push(result.data);
    else problems.push(...result.error.issues.map((issue) => ({ path: [prefix, ...issue.path].join('.') || '.', message: issue.message })));
  });
  if (problems.length > 0) throw new BadFault(problems);
  return faults;
}

/** The faults that are set, and which of them a request meets. */
export class Faults {
  #registered: Registered[] = [];
  #count = 0;

  add(faults: readonly RestFault[]): FaultReport[] {
    const added = faults.map((fault) => {
      this.#count += 1;
      return { id: this.#count, fault, seen: 0, served: 0 };
    });
    this.#registered.push(...added);
    return added.map(report);
  }

  /** The first fault that this request meets and that is not used up. Every fault counts every request that it matches. */
  take(target: FaultTarget): RestFault | undefined {
    let taken: RestFault | undefined;
    for (const entry of this.#registered) {
      if (!matches(entry.fault, target)) continue;
      entry.seen += 1;
      const isDue = entry.seen >= (entry.fault.match?.nth ?? 1) && entry.served < entry.fault.times;
      if (taken !== undefined || !isDue) continue;
      entry.served += 1;
      taken = entry.fault;
    }
    return taken;
  }

  list(): FaultReport[] {
    return this.#registered.map(report);
  }

  clear(): number {
    const removed = this.#registered.length;
    this.#registered = [];
    return removed;
  }
}

function report({ id, fault, seen, served }: Registered): FaultReport {
  return { id, ...fault, seen, served };
}

function matches(fault: RestFault, target: FaultTarget): boolean {
  const wanted = fault.match;
  if ((fault.do === 'drop' || fault.do === 'duplicate') && !target.isPage) return false;
  if (wanted?.path !== undefined && !target.path.endsWith(wanted.path)) return false;
  if (wanted?.symbol !== undefined && wanted.symbol !== target.symbol) return false;
  return wanted?.from_id === undefined || String(wanted.from_id) === target.fromId;
}
