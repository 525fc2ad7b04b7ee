import { AppError, ERROR_MEANINGS, type ErrorCode, type FieldProblem } from '../domain/errors.ts';

/** A client of the platform's HTTP API. Errors of the API come back as `AppError` with their code; a host that does not answer is `bus_unavailable`. */
export interface ApiClient {
  readonly url: string;
  get<T>(path: string, options?: CallOptions): Promise<T>;
  post<T>(path: string, body: unknown, options?: CallOptions): Promise<T>;
  /** The body as it comes: rows, server-sent events. */
  stream(path: string, options?: CallOptions): Promise<ReadableStream<Uint8Array>>;
  /** The body as text, with the answer's headers. */
  text(path: string, options?: CallOptions): Promise<{ readonly text: string; readonly headers: Headers }>;
  /** True when something answers `/livez` there. */
  isThere(): Promise<boolean>;
}

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** The host that `serve` starts without options. */
export const DEFAULT_URL = 'http://127.0.0.1:8080';

export function createApiClient(url: string, token?: string): ApiClient {
  const base = url.replace(/\/+$/, '');
  const auth: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };

  async function call(path: string, init: RequestInit): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(`${base}${path}`, { redirect: 'error', ...init });
    } catch (error) {
      if (init.signal?.aborted === true) throw error;
      throw new AppError(
        'bus_unavailable',
        `Nothing answers at ${base}. Start a host with "streamforge serve", or set STREAMFORGE_URL to a running one.`,
        { url: base },
        error,
      );
    }
    if (!response.ok) throw await readProblem(response);
    return response;
  }

  const headersOf = (options: CallOptions): Record<string, string> => ({ ...auth, ...options.headers });
  const signalOf = (options: CallOptions): { signal?: AbortSignal } => (options.signal === undefined ? {} : { signal: options.signal });

  return {
    url: base,
    async get<T>(path: string, options: CallOptions = {}) {
      return (await (await call(path, { headers: headersOf(options), ...signalOf(options) })).json()) as T;
    },
    async post<T>(path: string, body: unknown, options: CallOptions = {}) {
      const headers = { 'content-type': 'application/json', ...headersOf(options) };
      return (await (await call(path, { method: 'POST', body: JSON.stringify(body), headers, ...signalOf(options) })).json()) as T;
    },
    async stream(path, options = {}) {
      const { body } = await call(path, { headers: headersOf(options), ...signalOf(options) });
      if (body === null) throw new AppError('unclassified', `${base}${path} answered without a body.`);
      return body;
    },
    async text(path, options = {}) {
      const response = await call(path, { headers: headersOf(options), ...signalOf(options) });
      return { text: await response.text(), headers: response.headers };
    },
    async isThere() {
      try {
        return (await fetch(`${base}/livez`, { redirect: 'error', signal: AbortSignal.timeout(2_000) })).ok;
      } catch {
        // Nothing listens there: that is the answer.
        return false;
      }
    },
  };
}

/** An `application/problem+json` answer as the error it tells of. */
async function readProblem(response: Response): Promise<AppError> {
  const text = await response.text();
  let problem: {
    code?: string;
    detail?: string;
    title?: string;
    message?: string;
    fields?: readonly FieldProblem[];
    errors?: readonly FieldProblem[];
  } = {};
  try {
    problem = JSON.parse(text) as typeof problem;
  } catch {
    // Not ours: a proxy's page. The status says enough.
    return new AppError('unclassified', `${response.url} answered ${response.status} with something that is not JSON.`, {
      status: response.status,
    });
  }
  const code: ErrorCode = problem.code !== undefined && problem.code in ERROR_MEANINGS ? (problem.code as ErrorCode) : 'unclassified';
  const fields = problem.fields ?? problem.errors;
  return new AppError(code, problem.detail ?? problem.message ?? problem.title ?? `The host answered ${response.status}.`, {
    status: response.status,
    ...(fields === undefined ? {} : { fields }),
  });
}

/** Events of a server-sent event stream, one at a time; comments are left out. */
export async function* readEvents(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<{ readonly id?: string; readonly event?: string; readonly data: string }, void, undefined> {
  const decoder = new TextDecoder();
  let buffer = '';
  for await (const chunk of stream) {
    buffer += decoder.decode(chunk, { stream: true });
    for (let end = buffer.indexOf('\n\n'); end >= 0; end = buffer.indexOf('\n\n')) {
      const fields = parseBlock(buffer.slice(0, end));
      buffer = buffer.slice(end + 2);
      if (fields !== undefined) yield fields;
    }
  }
}

function parseBlock(block: string): { id?: string; event?: string; data: string } | undefined {
  const data: string[] = [];
  const fields: { id?: string; event?: string } = {};
  for (const line of block.split('\n')) {
    const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    if (name === 'data') data.push(value ?? '');
    else if (name === 'id' || name === 'event') fields[name] = value ?? '';
  }
  return data.length === 0 ? undefined : { ...fields, data: data.join('\n') };
}
