import type { z } from 'zod';
import type { RecordPosition } from '../bus/bus.ts';
import type { StreamEvent } from '../events/event.ts';
import type { Context } from './context.ts';

/** An event with the place it was read from; `position` is absent where it came by HTTP. */
export interface ReceivedEvent<Data = unknown> {
  readonly event: StreamEvent<Data>;
  readonly position?: RecordPosition;
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

/** One HTTP route. `path` has parameters in braces: `/workflows/{queue_id}`. */
export interface Route<C> {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly handle: HttpHandler<C>;
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
  /** False where a dead letter of this trigger must not be replayed. Default true. */
  readonly replayable?: boolean;
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

/** Declares a function. Throws `invalid_setting` for a definition that contradicts itself (two triggers of one name, a handler without trigger). */
export function defineFunction<T extends SettingsTable>(definition: FunctionDefinition<T>): FunctionDefinition<T> {
  return definition;
}
