import { z } from 'zod';
import type { ErrorCode, FieldProblem } from '../../shared/domain/errors.ts';
import { ALLOWED_TYPES, isTypeProblem, resolveType } from '../../shared/domain/workflow/load-type.ts';
import { type RawRequest, refusal } from '../../shared/domain/workflow/normalise.ts';
import { isQueueId } from '../../shared/domain/workflow/queue-id.ts';
import type { Stage, StartTarget } from '../../shared/domain/workflow/request.ts';
import { findTarget, TARGETS, type Target } from '../../shared/domain/workflow/targets.ts';
import { collectionField, intervalField, symbolField, timeRangeField, typeField } from './request-schema.ts';

const text = z.string().min(1).max(255);
const targetField = z.string().min(1).max(60).describe('a published name, such as loader-producer');
const queueIdField = z.string().refine(isQueueId, {
  message: 'has the wrong form',
  params: { allowed: 'wf-<symbol>-<type>-<yyyymmdd>-<six of a-z0-9>, at most 42 characters' },
});
const echoed = { image: text.exactOptional(), telemetry_id: text.exactOptional(), kafka_topic: text.exactOptional() };
const perTarget = {
  target: targetField,
  ...echoed,
  collection_name: collectionField.exactOptional(),
  time_range: timeRangeField.exactOptional(),
  interval: intervalField.exactOptional(),
};

/** One component of `POST /queues/start-pipeline`. */
const microservice = z.looseObject({ ...perTarget, type: typeField.exactOptional() });

/** The body of `POST /queues/start-pipeline`; `requests` is another name of `microservices`. */
export const pipelineBody = z.looseObject({
  symbol: symbolField,
  time_range: timeRangeField.exactOptional(),
  queue_id: queueIdField.exactOptional(),
  microservices: z.array(microservice).min(1).max(20).exactOptional(),
  requests: z.array(microservice).min(1).max(20).exactOptional(),
});

/** The three forms of the body of `POST /queues/start`: a plain request, one with `targets`, and one flat target. */
export const startBody = z.looseObject({
  command: z.enum(['start']).exactOptional(),
  queue_id: queueIdField.exactOptional(),
  symbol: symbolField,
  type: typeField,
  time_range: timeRangeField,
  timestamp: z.number().min(0).exactOptional(),
  interval: intervalField.exactOptional(),
  collection_name: collectionField.exactOptional(),
  target: targetField.exactOptional(),
  ...echoed,
  targets: z
    .array(z.looseObject({ ...perTarget, type: typeField.exactOptional() }))
    .min(1)
    .max(20)
    .exactOptional(),
});

/** The body of `POST /queues/start-test-flow`. */
export const testFlowBody = z.looseObject({
  flow_name: z.enum(['default_candles_flow', 'default_trade_flow']),
  symbol: symbolField.exactOptional(),
  time_range: timeRangeField.exactOptional(),
});

/** One target as any of the forms writes it. */
export interface PublishedTarget extends StartTarget {
  readonly type?: string;
  readonly time_range?: string;
  readonly interval?: string;
}

/** What a published form asks for: a workflow, and components that are only told to start. `path` is where its targets stand in the body. */
export interface PublishedRequest {
  readonly symbol: string;
  readonly type?: string;
  readonly interval?: string;
  readonly time_range?: string;
  readonly collection_name?: string;
  readonly targets: readonly PublishedTarget[];
  readonly path: string;
}

type Problem = FieldProblem & { readonly code: ErrorCode };
type Named = { readonly entry: PublishedTarget; readonly target: Target; readonly path: string };

const STARTABLE = TARGETS.filter(({ does }) => does !== 'later' && does !== 'manage').map(({ target }) => target);

/** The `POST /queues/start` body as what it asks for, whichever of the three forms it has. */
export function readStart(body: z.infer<typeof startBody>): PublishedRequest {
  const { symbol, type, time_range, interval, collection_name, target, targets, image, telemetry_id, kafka_topic } = body;
  const about = {
    symbol,
    type,
    time_range,
    ...(interval === undefined ? {} : { interval }),
    ...(collection_name === undefined ? {} : { collection_name }),
  };
  if (targets !== undefined) return { ...about, targets, path: 'targets' };
  if (target === undefined) return { ...about, targets: [], path: '' };
  const flat: PublishedTarget = {
    target,
    ...(image === undefined ? {} : { image }),
    ...(telemetry_id === undefined ? {} : { telemetry_id }),
    ...(kafka_topic === undefined ? {} : { kafka_topic }),
  };
  return { ...about, targets: [flat], path: '' };
}

/** The body of `POST /queues/start-pipeline` as what it asks for. Throws `invalid_request` where it names no components. */
export function readPipeline(body: z.infer<typeof pipelineBody>): PublishedRequest {
  const { symbol, time_range, microservices, requests } = body;
  const targets = microservices ?? requests;
  if (targets === undefined) {
    throw refusal([{ path: 'microservices', problem: 'is missing', allowed: 'at least one {target, type}', code: 'invalid_request' }]);
  }
  return {
    symbol,
    ...(time_range === undefined ? {} : { time_range }),
    targets,
    path: microservices === undefined ? 'requests' : 'microservices',
  };
}

/**
 * The workflow that a published request stands for: loaders give what is loaded, `graph-builder` and `gnn-trainer` the stages behind it. Sinks are always
 * there. Undefined where only probes are to be started. Throws one refusal for every target that is unknown or not there yet.
 */
export function toRawRequest(published: PublishedRequest): RawRequest | undefined {
  const problems: Problem[] = [];
  const named = published.targets.flatMap((entry, index) => nameTarget(entry, pathOf(published, index), problems));
  const loaders = named.filter(({ target }) => target.does === 'load');
  const jobs = named.filter(({ target }) => target.does === 'build-graph' || target.does === 'train');
  if (problems.length === 0 && named.length > 0 && named.every(({ target }) => target.does === 'probe')) return undefined;
  if (problems.length === 0 && named.length > 0 && loaders.length + jobs.length === 0) {
    const problem = 'names no loader: what is loaded is stored by itself';
    problems.push({
      path: pathOf(published, 0),
      problem,
      allowed: 'a loader, graph-builder or gnn-trainer beside it',
      code: 'invalid_request',
    });
  }
  const types = typesOf(published, loaders, problems);
  const range = oneOf([published.time_range, ...named.map(({ entry }) => entry.time_range)], 'time_range', problems);
  const collection = oneOf([published.collection_name, ...named.map(({ entry }) => entry.collection_name)], 'collection_name', problems);
  if (problems.length > 0) throw refusal(problems);
  return {
    symbol: published.symbol,
    ...planOf(published, types, jobs),
    ...(range === undefined ? {} : { time_range: range }),
    ...(collection === undefined ? {} : { collection_name: collection }),
    ...(named.length === 0 ? {} : { targets: named.map(({ entry }) => echoOf(entry)) }),
  };
}

/** What is told to a probe: it is no part of a workflow. */
export function probesOf(published: PublishedRequest): readonly StartTarget[] {
  return published.targets.filter(({ target }) => findTarget(target)?.does === 'probe').map(echoOf);
}

function pathOf({ path }: PublishedRequest, index: number): string {
  return path === '' ? 'target' : `${path}.${index}.target`;
}

function nameTarget(entry: PublishedTarget, path: string, problems: Problem[]): Named[] {
  const target = findTarget(entry.target);
  const allowed = STARTABLE.join(', ');
  if (target === undefined || target.does === 'manage') {
    problems.push({ path, problem: target === undefined ? 'is not a target' : 'is what answers here', allowed, code: 'invalid_request' });
    return [];
  }
  if (target.does === 'later') {
    problems.push({
      path,
      problem: `is not yet supported: the function ${target.function} is not part of this version`,
      allowed,
      code: 'not_yet_supported',
    });
    return [];
  }
  return [{ entry, target, path }];
}

/** The types to load, each once: of the loaders, else of the request itself. */
function typesOf(published: PublishedRequest, loaders: readonly Named[], problems: Problem[]): readonly string[] {
  const asked: { readonly type: string | undefined; readonly interval: string | undefined; readonly path: string }[] =
    published.targets.length === 0
      ? [{ type: published.type, interval: published.interval, path: 'type' }]
      : loaders.map(({ entry, path }) => ({
          type: entry.type ?? published.type,
          interval: entry.interval ?? published.interval,
          path: entry.type === undefined && published.type !== undefined ? 'type' : path.replace(/target$/, 'type'),
        }));
  const types = asked.flatMap(({ type, interval, path }) => {
    if (type === undefined) {
      problems.push({ path, problem: 'is missing', allowed: ALLOWED_TYPES, code: 'invalid_request' });
      return [];
    }
    const resolved = resolveType(type, interval);
    if (!isTypeProblem(resolved)) return [resolved.name];
    problems.push({ path, problem: resolved.problem, allowed: resolved.allowed, code: resolved.code });
    return [];
  });
  return [...new Set(types)];
}

function oneOf(values: readonly (string | undefined)[], path: string, problems: Problem[]): string | undefined {
  const given = [...new Set(values.filter((value) => value !== undefined))];
  if (given.length > 1)
    problems.push({ path, problem: 'differs between the targets', allowed: 'one for the whole workflow', code: 'invalid_request' });
  return given[0];
}

/** Types and stages of the workflow. Without a loader the last stages run alone over what is proven. */
function planOf(
  published: PublishedRequest,
  types: readonly string[],
  jobs: readonly Named[],
): Pick<RawRequest, 'type' | 'types' | 'stages' | 'graph'> {
  const trains = jobs.some(({ target }) => target.does === 'train');
  const builds: readonly Stage[] = jobs.length === 0 ? [] : trains ? ['build-graph', 'train'] : ['build-graph'];
  if (types.length > 0) return { types, stages: ['load', ...builds] };
  const hints = [published, ...jobs.map(({ entry }) => entry)];
  const found = hints.flatMap(({ type, interval }) => {
    const resolved = type === undefined ? undefined : resolveType(type, interval);
    return resolved !== undefined && !isTypeProblem(resolved) && resolved.does === 'history' && resolved.interval !== undefined
      ? [resolved.name]
      : [];
  });
  const [candles] = found;
  if (candles !== undefined) return { type: candles, stages: builds };
  const interval = hints.find((hint) => hint.interval !== undefined)?.interval;
  return {
    type: trains ? 'gnn_train' : 'gnn_graph',
    stages: builds,
    ...(interval === undefined ? {} : { graph: { interval: interval as never } }),
  };
}

function echoOf({ target, telemetry_id, kafka_topic, image, collection_name }: PublishedTarget): StartTarget {
  return {
    target,
    ...(telemetry_id === undefined ? {} : { telemetry_id }),
    ...(kafka_topic === undefined ? {} : { kafka_topic }),
    ...(image === undefined ? {} : { image }),
    ...(collection_name === undefined ? {} : { collection_name }),
  };
}
