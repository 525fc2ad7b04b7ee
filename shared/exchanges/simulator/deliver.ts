import type { ServerResponse } from 'node:http';
import type { RestFault } from './faults.ts';

/** An answer, ready to be sent. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The body, in parts that are sent one after the other without being copied together. */
  readonly parts: readonly Buffer[];
}

/** The body in one. */
export function bodyOf(answer: Answer): Buffer {
  return answer.parts.length === 1 ? (answer.parts[0] as Buffer) : Buffer.concat(answer.parts);
}

/** A reset overtakes what was sent before it: the caller is given this long to have read that. */
const RESET_AFTER_MS = 20;

const JSON_TYPE = 'application/json;charset=UTF-8';
const HTML_TYPE = 'text/html';

/** An answer in the exchange's usual form. */
export function jsonAnswer(status: number, body: string | readonly Buffer[], headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { 'Content-Type': JSON_TYPE, ...headers }, parts: typeof body === 'string' ? [Buffer.from(body)] : body };
}

/** An answer from in front of the exchange (a firewall, a load balancer): HTML, never JSON. */
export function htmlAnswer(status: number, title: string): Answer {
  const body = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n</body>\r\n</html>\r\n`;
  return { status, headers: { 'Content-Type': HTML_TYPE }, parts: [Buffer.from(body)] };
}

/**
 * The answer with what a fault does to its content: another status; rows left out; or a page twice (`of: "self"`: the page again behind
 * itself in one answer; `of: "previous"`: the page that was answered before to the same path and symbol, as a stale cache would).
 */
export function spoil(answer: Answer, fault: RestFault, previous: readonly Buffer[] | undefined): Answer {
  switch (fault.do) {
    case 'status':
      return replaceStatus(answer, fault);
    case 'drop': {
      const rows = JSON.parse(bodyOf(answer).toString()) as unknown[];
      rows.splice(fault.rows[0], fault.rows[1] - fault.rows[0]);
      return { ...answer, parts: [Buffer.from(JSON.stringify(rows))] };
    }
    case 'duplicate': {
      if (fault.of === 'previous' && previous !== undefined) return { ...answer, parts: previous };
      const rows = JSON.parse(bodyOf(answer).toString()) as unknown[];
      return { ...answer, parts: [Buffer.from(JSON.stringify([...rows, ...rows]))] };
    }
    default:
      return answer;
  }
}

const UNKNOWN_ERROR = '{"code":-1000,"msg":"An unknown error occurred while processing the request."}';
const DEFAULT_BODIES: Readonly<Record<number, string>> = {
  418: '{"code":-1003,"msg":"Way too much request weight used; IP banned until further notice. Please use WebSocket Streams for live updates to avoid bans."}',
  429: '{"code":-1003,"msg":"Too many requests queued."}',
  503: '{"code":-1008,"msg":"Server is currently overloaded with other requests. Please try again in a few minutes."}',
  504: '{"code":-1007,"msg":"Timeout waiting for response from backend server. Send status unknown; execution status unknown."}',
};

function replaceStatus(answer: Answer, fault: Extract<RestFault, { do: 'status' }>): Answer {
  const plain =
    fault.status === 403 ? htmlAnswer(403, '403 Forbidden') : jsonAnswer(fault.status, DEFAULT_BODIES[fault.status] ?? UNKNOWN_ERROR);
  const given = typeof fault.body === 'string' || fault.body === undefined ? fault.body : JSON.stringify(fault.body);
  const headers = { ...answer.headers, ...plain.headers };
  for (const [name, value] of Object.entries(fault.headers ?? {})) {
    const known = Object.keys(headers).find((other) => other.toLowerCase() === name.toLowerCase());
    if (known !== undefined) delete headers[known];
    headers[name] = value;
  }
  return { status: fault.status, headers, parts: given === undefined ? plain.parts : [Buffer.from(given)] };
}

/** Sends an answer, with what a fault does to its transport: cut off, cut short, late, or slow. */
export function deliver(response: ServerResponse, answer: Answer, fault: RestFault | undefined): void {
  switch (fault?.do) {
    case 'reset':
      sendAndReset(response, answer, fault.after_bytes);
      return;
    case 'truncate':
      send(response, { ...answer, parts: [cut(answer, fault.after_bytes)] });
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
  response.cork();
  writeHead(response, answer);
  for (const part of answer.parts) response.write(part);
  response.end();
  response.uncork();
}

function writeHead(response: ServerResponse, answer: Answer): void {
  const length = answer.parts.reduce((sum, part) => sum + part.length, 0);
  response.writeHead(answer.status, { ...answer.headers, 'Content-Length': length });
}

/** The first bytes of the body, always at least one short of it. */
function cut(answer: Answer, afterBytes: number): Buffer {
  const body = bodyOf(answer);
  return body.subarray(0, Math.min(afterBytes, Math.max(0, body.length - 1)));
}

/** The head promises the whole body; the connection is torn down by a TCP reset after a part of it. */
function sendAndReset(response: ServerResponse, answer: Answer, afterBytes: number): void {
  const { socket } = response;
  if (afterBytes === 0) {
    socket?.resetAndDestroy();
    return;
  }
  writeHead(response, answer);
  response.write(cut(answer, afterBytes));
  later(response, RESET_AFTER_MS, () => socket?.resetAndDestroy());
}

/** The head at once, then `chunkBytes` every `ms`. */
function drip(response: ServerResponse, answer: Answer, ms: number, chunkBytes: number): void {
  const body = bodyOf(answer);
  writeHead(response, answer);
  response.flushHeaders();
  let sent = 0;
  const timer = setInterval(() => {
    response.write(body.subarray(sent, sent + chunkBytes));
    sent += chunkBytes;
    if (sent < body.length) return;
    clearInterval(timer);
    response.end();
  }, ms);
  response.once('close', () => clearInterval(timer));
}

function later(response: ServerResponse, ms: number, act: () => void): void {
  const timer = setTimeout(act, ms);
  response.once('close', () => clearTimeout(timer));
}
