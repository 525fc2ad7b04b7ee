import type { ServerResponse } from 'node:http';
import type { RestFault } from './faults.ts';

/** An answer, ready to be sent. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const JSON_TYPE = 'application/json;charset=UTF-8';
const HTML_TYPE = 'text/html';

/** An answer in the exchange's usual form. */
export function jsonAnswer(status: number, body: string | Buffer, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { 'Content-Type': JSON_TYPE, ...headers }, body: typeof body === 'string' ? Buffer.from(body) : body };
}

export function htmlAnswer(status: number, title: string): Answer {
  const body = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n</body>\r\n</html>\r\n`;
  return { status, headers: { 'Content-Type': HTML_TYPE }, body: Buffer.from(body) };
}

/**
 * The answer with what a fault does to its content: another status; rows left out; or a page twice (`of: "self"`: the page again behind
 * itself in one answer; `of: "previous"`: the page that was answered before to the same path and symbol, as a stale cache would).
 */
export function spoil(answer: Answer, fault: RestFault, previous: Buffer | undefined): Answer {
  switch (fault.do) {
    case 'status':
      return replaceStatus(answer, fault);
    case 'drop': {
      const rows = JSON.parse(answer.body.toString()) as unknown[];
      rows.splice(fault.rows[0], fault.rows[1] - fault.rows[0]);
      return { ...answer, body: Buffer.from(JSON.stringify(rows)) };
    }
    case 'duplicate': {
      if (fault.of === 'previous' && previous !== undefined) return { ...answer, body: previous };
      const rows = JSON.parse(answer.body.toString()) as unknown[];
      return { ...answer, body: Buffer.from(JSON.stringify([...rows, ...rows])) };
    }
    default:
      return answer;
  }
}

const DEFAULT_BODIES: Readonly<Record<number, string>> = {
  418: '{"code":-1003,"msg":"Way too much request weight used; IP banned until further notice. Please use WebSocket Streams for live updates to avoid bans."}',
  429: '{"code":-1003,"msg":"Too many requests queued."}',
  503: '{"code":-1008,"msg":"Server is currently overloaded with other requests. Please try again in a few minutes."}',
  504: '{"code":-1007,"msg":"Timeout waiting for response from backend server. Send status unknown; execution status unknown."}',
};

function replaceStatus(answer: Answer, fault: Extract<RestFault, { do: 'status' }>): Answer {
  const plain = fault.status === 403 ? htmlAnswer(403, '403 Forbidden') : undefined;
  const fallback =
    plain?.body ??
    Buffer.from(DEFAULT_BODIES[fault.status] ?? '{"code":-1000,"msg":"An unknown error occurred while processing the request."}');
  const given = typeof fault.body === 'string' ? Buffer.from(fault.body) : fault.body && Buffer.from(JSON.stringify(fault.body));
  const headers = { ...answer.headers, ...plain?.headers };
  for (const [name, value] of Object.entries(fault.headers ?? {})) {
    const known = Object.keys(headers).find((other) => other.toLowerCase() === name.toLowerCase());
    if (known !== undefined) delete headers[known];
    headers[name] = value;
  }
  return { status: fault.status, headers, body: given ?? fallback };
}

/** Sends an answer, with what a fault does to its transport: cut off, cut short, late, or slow. */
export function deliver(response: ServerResponse, answer: Answer, fault: RestFault | undefined): void {
  switch (fault?.do) {
    case 'reset':
      sendAndReset(response, answer, fault.after_bytes);
      return;
    case 'truncate':
      send(response, { ...answer, body: answer.body.subarray(0, Math.min(fault.after_bytes, Math.max(0, answer.body.length - 1))) });
      return;
    case 'delay':
      if (fault.per_chunk) drip(response, answer, fault.ms, fault.per_chunk === true ? 1 : fault.per_chunk);
      else later(response, fault.ms, () => send(response, answer));
      return;
    default:
      send(response, answer);
  }
}

function send(response: ServerResponse, answer: Answer): void {
  writeHead(response, answer);
  response.end(answer.body);
}

function writeHead(response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, { ...answer.headers, 'Content-Length': answer.body.length });
}

/** The head promises the whole body; the connection is torn down by a TCP reset after a part of it. */
function sendAndReset(response: ServerResponse, answer: Answer, afterBytes: number): void {
  const { socket } = response;
  if (afterBytes === 0) {
    socket?.resetAndDestroy();
    return;
  }
  writeHead(response, answer);
  response.write(answer.body.subarray(0, Math.min(afterBytes, Math.max(0, answer.body.length - 1))), () => socket?.resetAndDestroy());
}

/** The head at once, then `chunkBytes` every `ms`. */
function drip(response: ServerResponse, answer: Answer, ms: number, chunkBytes: number): void {
  writeHead(response, answer);
  response.flushHeaders();
  let sent = 0;
  const timer = setInterval(() => {
    response.write(answer.body.subarray(sent, sent + chunkBytes));
    sent += chunkBytes;
    if (sent < answer.body.length) return;
    clearInterval(timer);
    response.end();
  }, ms);
  response.once('close', () => clearInterval(timer));
}

function later(response: ServerResponse, ms: number, act: () => void): void {
  const timer = setTimeout(act, ms);
  response.once('close', () => clearTimeout(timer));
}
