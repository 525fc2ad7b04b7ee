import type { z } from 'zod';
import type { RecordPosition } from '../bus/bus.ts';
import { AppError } from '../domain/errors.ts';
import type { StreamEvent } from '../events/event.ts';
import type { Context } from './context.ts';
import { definitionProblems } from './definition-problems.ts';

/** An event with the place it was read from; `position` is absent where it came by HTTP. */
export interface ReceivedEvent<Data = unknown> {
  readonly event: StreamEvent<Data>;
  readonly position?: RecordPosition;
  /** The consumer group that read it; absent where it came by HTTP. */
  readonly group?: string;
}

/** What became of one event of a batch. An error decides by its meaning: retried, or dead-lettered (`shared/runtime/delivery.ts`). */
export type EventOutcome = { readonly ok: true } | { readonly ok: false; readonly error: unknown };

/** Handles one event. Resolves when its effects are durable: the offset is committed after that. */
export type EventHandler<C> = (received: ReceivedEvent, context: Context<C>) => Promise<void>;

/** Handles events of one partition together, in order; returns one outcome for each. Events behind a failed one may be handed over again. */
export type BatchHandler<C> = (received: readonly ReceivedEvent[], context: Context<C>) => Promise<readonly EventOutcome[]>;

/** A request as a route sees it: parsed, within its size limit, from an allowed host. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Parsed JSON, undefined where there is no body. */
  readonly body: unknown;
  readonly signal: AbortSignal;
}

/** An answer: JSON (`body`), text of any type (`text`), or a stream of chunks (rows, server-sent events). */
export interface HttpResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly text?: string;
  readonly stream?: AsyncIterable<string | Uint8Array>;
}

export type HttpHandler<C> = (request: HttpRequest, context: Context<C>) => Promise<HttpResponse>;

/** What a route answers with one status: for `/openapi.json`. `contentType` is `application/json` unless said. */
export interface ResponseDoc {
  readonly description: string;
  readonly schema?: z.ZodType;
  readonly contentType?: string;
}

/**
 * One HTTP route. `path` has parameters in braces: `/workflows/{queue_id}`. The fields behind `handle` describe it in `/openapi.json` and check nothing:
 * a handler checks its input with `checkFields` of `shared/events/field-problems.ts`, which names every bad field.
 */
export interface Route<C> {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly handle: HttpHandler<C>;
  /** One line in the imperative: "Start a workflow". */
  readonly summary?: string;
  readonly description?: string;
  /** An object schema: one property a query parameter. */
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** By status. Errors (problem documents) need no entry. */
  readonly responses?: Readonly<Record<number, ResponseDoc>>;
  /** Most bytes of the body; default 256 KiB. */
  readonly maxBodyBytes?: number;
}

/** How a deployable scales; becomes the ScaledObject, ScaledJob or Knative annotations. */
export interface Scaling {
  readonly lagThreshold?: number;
  readonly minReplicas?: number;
  readonly maxReplicas: number;
  readonly cooldownSeconds?: number;
  readonly memoryMiB: number;
  readonly cpuMillis: number;
}

interface TriggerBase {
  /** Name of the deployable: `workflows-events`. */
  readonly name: string;
  readonly scaling: Scaling;
}

/** Reads topics as a consumer group. `events` are the types it takes; others are acknowledged and counted. */
export interface TopicTrigger extends TriggerBase {
  readonly kind: 'topic';
  readonly group: string;
  readonly topics: readonly string[];
  readonly events: readonly string[];
  /** Property of the loaded module. */
  readonly handler: 'handle' | 'handleBatch';
  /**
   * Events of one partition that `handle` works on at once; default 1. With more, an event may be done before the one in front of it, and is handed over
   * again where that one failed: the handler has to know what it did.
   */
  readonly eventsAtOnce?: number;
  /** False where a dead letter of this trigger must not be replayed. Default true. */
  readonly replayable?: boolean;
  /** As `SubscribeOptions` of the bus has them: most bytes and records of one batch, partitions worked on at once. */
  readonly maxBatchBytes?: number;
  readonly maxBatchRecords?: number;
  readonly concurrency?: number;
}

/** One message a job: claimed with token and lease, committed, then worked on. The claim key is given by `claimKey`. */
export interface JobTrigger extends TriggerBase {
  readonly kind: 'job';
  readonly group: string;
  readonly topic: string;
  readonly events: readonly string[];
  readonly leaseMs: number;
  readonly claimKey: (event: StreamEvent) => string;
}

/** Serves routes; `accepts` are the event types taken by push on `POST /` and `POST /batch` (never control or state events). */
export interface HttpTrigger extends TriggerBase {
  readonly kind: 'http';
  readonly accepts: readonly string[];
}

/** Runs `tick` every so often: a timer in the local host, a CronJob in the cluster. */
export interface ScheduleTrigger extends TriggerBase {
  readonly kind: 'schedule';
  readonly everyMs: number;
}

export type Trigger = TopicTrigger | JobTrigger | HttpTrigger | ScheduleTrigger;

/** What a job may use beside its context: the token under which results are written. `signal` aborts when the claim is lost or the job must stop. */
export interface JobContext<C> extends Context<C> {
  readonly claim: { readonly key: string; readonly token: string };
  /** True while the token still holds the claim: asked before every write of a result. */
  holdsClaim(): Promise<boolean>;
}

/** What a function's `handle.ts` exports; only what its triggers name has to be there. */
export interface FunctionModule<C> {
  readonly handle?: EventHandler<C>;
  readonly handleBatch?: BatchHandler<C>;
  readonly runJob?: (received: ReceivedEvent, context: JobContext<C>) => Promise<void>;
  readonly routes?: readonly Route<C>[];
  readonly tick?: (context: Context<C>) => Promise<void>;
}

/** One setting: an environment variable, its schema (from text), and what it means. `secret` may be read from `<NAME>_FILE`. */
export interface Setting<T = unknown> {
  readonly env: string;
  readonly schema: z.ZodType<T>;
  readonly meaning: string;
  readonly secret?: boolean;
}

export type SettingsTable = Readonly<Record<string, Setting>>;
export type SettingsOf<T extends SettingsTable> = { readonly [K in keyof T]: T[K] extends Setting<infer V> ? V : never };

/** One deployable function: what starts it, what it reads and writes, how it scales. `load` imports its code on first use. */
export interface FunctionDefinition<T extends SettingsTable = SettingsTable> {
  readonly name: string;
  /** Names of the published platform that this function answers to (`queue-manager`, …). */
  readonly publishedNames: readonly string[];
  readonly triggers: readonly Trigger[];
  /** Event types that it sends: topics and access rights follow from them. */
  readonly sends: readonly string[];
  readonly settings: T;
  readonly load: () => Promise<FunctionModule<SettingsOf<T>>>;
}

/**
 * Declares a function; what it returns forgets the type of its own settings, so that functions stand in one list. Throws `invalid_setting` for a definition
 * that contradicts itself, with every contradiction named.
 */
export function defineFunction<T extends SettingsTable>(definition: FunctionDefinition<T>): FunctionDefinition {
  const problems = definitionProblems(definition);
  if (problems.length > 0) {
    const list = problems.map(({ path, problem }) => `${path} ${problem}`).join('; ');
    throw new AppError('invalid_setting', `The function ${JSON.stringify(definition.name)} contradicts itself: ${list}.`, {
      fields: problems,
    });
  }
  // The runtime hands each function the settings that were parsed by its own table, and nothing else.
  return definition as unknown as FunctionDefinition;
}
