import { z } from 'zod';
import { ERROR_MEANINGS } from '../../domain/errors.ts';
import type { ResponseDoc } from '../define-function.ts';
import type { MountedRoute } from './mounted-route.ts';
import { PROBLEM_TYPE } from './problem.ts';

type Json = Record<string, unknown>;

/** What stands at the head of the description. */
export interface ApiInfo {
  readonly title: string;
  readonly version: string;
  readonly description: string;
  /** True where callers must send a bearer token. */
  readonly needsToken: boolean;
}

const PROBLEM_SCHEMA: Json = {
  type: 'object',
  description: 'RFC 9457',
  required: ['type', 'title', 'status', 'code', 'detail'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', enum: Object.keys(ERROR_MEANINGS) },
    detail: { type: 'string' },
    fields: {
      type: 'array',
      items: {
        type: 'object',
        required: ['path', 'problem'],
        properties: { path: { type: 'string' }, problem: { type: 'string' }, allowed: { type: 'string' } },
      },
    },
    trace_id: { type: 'string' },
  },
};

/** The OpenAPI 3.1 description of a server's routes (spec of 2021-02-16): their schemas are the ones that the handlers check with. */
export function describeApi(info: ApiInfo, routes: readonly MountedRoute[]): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route, info.needsToken) };
  }
  return {
    openapi: '3.1.0',
    info: { title: info.title, version: info.version, description: info.description, license: { name: 'MIT', identifier: 'MIT' } },
    tags: [...new Set(routes.map(({ functionName }) => functionName))].map((name) => ({ name })),
    paths,
    components: {
      schemas: { Problem: PROBLEM_SCHEMA },
      ...(info.needsToken ? { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } } : {}),
    },
  };
}

function operation(route: MountedRoute, needsToken: boolean): Json {
  const { summary, description, query, body, responses = { 200: { description: 'Done' } } } = route;
  const parameters = [...pathParameters(route.path), ...(query === undefined ? [] : queryParameters(query))];
  return {
    tags: [route.functionName],
    operationId: operationId(route),
    ...(summary === undefined ? {} : { summary }),
    ...(description === undefined ? {} : { description }),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: jsonSchema(body, 'input') } } } }),
    responses: {
      ...Object.fromEntries(Object.entries<ResponseDoc>(responses).map(([status, doc]) => [status, responseOf(doc)])),
      default: { description: 'What went wrong', content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } } },
    },
    ...(needsToken && route.open !== true ? { security: [{ token: [] }] } : {}),
  };
}

function responseOf({ description, schema, contentType = 'application/json' }: ResponseDoc): Json {
  if (schema === undefined && contentType === 'application/json') return { description };
  return { description, content: { [contentType]: schema === undefined ? {} : { schema: jsonSchema(schema, 'output') } } };
}

function pathParameters(path: string): readonly Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
}

function queryParameters(query: z.ZodType): readonly Json[] {
  const { properties = {}, required = [] } = jsonSchema(query, 'input') as { properties?: Record<string, Json>; required?: string[] };
  return Object.entries(properties).map(([name, schema]) => {
    const { description, ...rest } = schema;
    return { name, in: 'query', required: required.includes(name), ...(description === undefined ? {} : { description }), schema: rest };
  });
}

/** What JSON Schema cannot say (checks in code) is left open. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any', cycles: 'ref', reused: 'inline' }) as Json;
  return rest;
}

function operationId({ method, path }: MountedRoute): string {
  const words = path.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  return [method.toLowerCase(), ...(words.length === 0 ? ['root'] : words)].join('_');
}
