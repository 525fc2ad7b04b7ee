import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { DoubleDatabase } from './double-database.ts';
import { type DoubleFault, FaultList } from './faults.ts';
import { type Answer, answer, bodyOf, checkQuery, createCall, type HttpCall, queryOf } from './http-call.ts';
import { Refusal } from './refusal.ts';
import { answerInDatabase } from './routes.ts';

export interface DoubleOptions {
  /** Default: any free one. */
  readonly port?: number;
  /** Who may do everything. Default `root` with an empty password, as a fresh ArangoDB. */
  readonly user?: string;
  readonly password?: string;
  /** Whether `requests` is kept. Default true; a server that runs for long forgets. */
  readonly remember?: boolean;
}

/**
 * A request that the double answered. `synced` tells of a write whether it was asked to be on the disk before the answer, `streamed` of a query whether its
 * result was to be computed page by page, `made` what a call of set-up described.
 */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly query?: string;
  readonly synced?: boolean;
  readonly streamed?: boolean;
  readonly made?: unknown;
}

export interface ArangoDouble {
  readonly url: string;
  fault(...faults: readonly DoubleFault[]): void;
  clearFaults(): void;
  /** How often each fault was served. */
  readonly served: readonly number[];
  /** Every request since the start, or since they were forgotten. */
  readonly requests: readonly SeenRequest[];
  forgetRequests(): void;
  /** Ends every open cursor, as their time to live does. */
  dropCursors(): void;
  readonly openCursors: number;
  close(): Promise<void>;
}

const LARGEST_BODY_BYTES = 512 * 1_024 * 1_024;

/** Starts a server that speaks the part of ArangoDB's HTTP interface that the stores need, on SQLite in memory. */
export async function startArangoDouble({
  port = 0,
  user = 'root',
  password = '',
  remember = true,
}: DoubleOptions = {}): Promise<ArangoDouble> {
  const databases = new Map([['_system', new DoubleDatabase('_system')]]);
  const faults = new FaultList();
  const requests: SeenRequest[] = [];
  const closing = new AbortController();
  const expected = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

  function dispatch(call: HttpCall, database: string): Answer {
    const found = databases.get(database);
    if (found === undefined) throw new Refusal(404, 1228, 'database not found');
    const answered = database === '_system' ? answerAboutDatabases(call, databases) : undefined;
    const reply = answered ?? answerInDatabase(found, call);
    if (reply === undefined) throw new Refusal(404, 404, `unknown path '${call.path}'`);
    return reply;
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://double');
    const body = await readBody(request);
    const method = request.method ?? 'GET';
    if (url.pathname.startsWith('/_double/')) return send(response, control(method, url.pathname, body));
    const { database, path } = splitPath(url.pathname);
    const call = createCall(method, path, url.searchParams, body);
    const fault = faults.take(call);
    if (fault?.delayMs !== undefined) await wait(fault.delayMs, undefined, { signal: closing.signal });
    if (fault?.after === true) answerOf(() => dispatch(call, database));
    if (fault?.reset === true) {
      request.socket.destroy();
      return;
    }
    const reply =
      fault?.answer !== undefined
        ? answer(fault.status ?? 200, fault.answer)
        : fault?.status !== undefined
          ? failure(fault.status, fault.errorNum ?? fault.status, fault.errorMessage ?? 'injected')
          : request.headers.authorization !== expected
            ? failure(401, 11, 'not authorized to execute this request')
            : answerOf(() => dispatch(call, database));
    if (remember) requests.push({ method, path, status: reply.status, ...describe(call) });
    send(response, reply);
  }

  function control(method: string, path: string, body: string): Answer {
    if (method === 'POST' && path === '/_double/faults') faults.add(JSON.parse(body) as DoubleFault[]);
    else if (method === 'DELETE' && path === '/_double/faults') faults.clear();
    else if (method === 'GET' && path === '/_double/requests') return answer(200, { requests });
    else return failure(404, 404, 'no such control call');
    return answer(200, { served: faults.served });
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      if (closing.signal.aborted) request.socket.destroy();
      else send(response, failure(500, 4, String(error instanceof Error ? error.stack : error)));
    });
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fault: (...more) => faults.add(more),
    clearFaults: () => faults.clear(),
    get served() {
      return faults.served;
    },
    requests,
    forgetRequests: () => requests.splice(0),
    dropCursors() {
      for (const database of databases.values()) database.dropCursors();
    },
    get openCursors() {
      return [...databases.values()].reduce((count, database) => count + database.openCursors, 0);
    },
    async close() {
      closing.abort();
      await closeServer(server);
      for (const database of databases.values()) database.close();
    },
  };
}

function answerAboutDatabases(call: HttpCall, databases: Map<string, DoubleDatabase>): Answer | undefined {
  const [, , name] = call.path.split('/').slice(1).map(decodeURIComponent);
  if (call.method === 'POST' && call.path === '/_api/database') {
    checkQuery(call);
    const { name: wanted } = bodyOf(call, 'name', 'options', 'users');
    if (typeof wanted !== 'string' || !/^[a-zA-Z][a-zA-Z0-9_-]{0,63}$/.test(wanted)) throw new Refusal(400, 1229, 'database name invalid');
    if (databases.has(wanted)) throw new Refusal(409, 1207, 'duplicate name');
    databases.set(wanted, new DoubleDatabase(wanted));
    return answer(201, { result: true });
  }
  if (call.method === 'DELETE' && name !== undefined && call.path.startsWith('/_api/database/')) {
    if (!databases.has(name)) throw new Refusal(404, 1228, 'database not found');
    databases.get(name)?.close();
    databases.delete(name);
    return answer(200, { result: true });
  }
  return undefined;
}

function splitPath(path: string): { readonly database: string; readonly path: string } {
  const [, database, rest] = /^\/_db\/([^/]+)(\/.*)$/.exec(path) ?? [];
  return database === undefined || rest === undefined
    ? { database: '_system', path }
    : { database: decodeURIComponent(database), path: rest };
}

function answerOf(work: () => Answer): Answer {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) return failure(error.status, error.errorNum, error.message);
    throw error;
  }
}

function failure(code: number, errorNum: number, errorMessage: string): Answer {
  return { status: code, text: JSON.stringify({ error: true, code, errorNum, errorMessage }) };
}

const SET_UP = new Set(['/_api/database', '/_api/collection', '/_api/index', '/_api/gharial']);

/** What is told of a call beside its path. */
function describe(call: HttpCall): Partial<SeenRequest> {
  if (call.method === 'POST' && SET_UP.has(call.path)) return { made: readOr(call) };
  if (call.path === '/_api/import' || call.path.endsWith('/truncate')) return { synced: call.query.get('waitForSync') === 'true' };
  const text = queryOf(call);
  if (text === undefined) return {};
  // An UPSERT says INSERT once more, and UPDATE or REPLACE: it is one write.
  const writes = countOf(text, /\b(INSERT|UPDATE|REPLACE|REMOVE)\b/g) - countOf(text, /\bUPSERT\b/g);
  const { options } = call.json() as { readonly options?: { readonly stream?: unknown } };
  const seen = { query: text, streamed: options?.stream === true };
  return writes === 0 ? seen : { ...seen, synced: writes === countOf(text, /waitForSync: true/g) };
}

/** The body as JSON; what cannot be read was refused, and tells nothing. */
function readOr(call: HttpCall): unknown {
  try {
    return call.json();
  } catch {
    return undefined;
  }
}

function countOf(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > LARGEST_BODY_BYTES) throw new Error('the body is too large');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, { status, text }: Answer): void {
  const headers = { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(text) };
  response.writeHead(status, status === 401 ? { ...headers, 'www-authenticate': 'Bearer token_type="JWT", realm="ArangoDB"' } : headers);
  response.end(text);
}

async function closeServer(server: Server): Promise<void> {
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
}
