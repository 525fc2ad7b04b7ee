import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { crc32 } from 'node:zlib';
import { Pool } from 'undici';

/** A request that went over the wire, as far as it has to be made again. */
export interface RecordedCall {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** An answer to be given again; `key` says to which request. */
export interface CannedAnswer {
  readonly key: string;
  readonly status: number;
  readonly text: string;
}

/** Requests that are the same have the same key. */
export function keyOf(method: string, path: string, body: Buffer): string {
  return `${method} ${path} ${body.length} ${crc32(body)}`;
}

/** The whole body of a request. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Stands before a server and writes down what passes. */
export interface Recorder {
  readonly url: string;
  readonly calls: readonly RecordedCall[];
  /** Writes the answers down as `canned-server.ts` reads them. */
  save(file: string): Promise<void>;
  close(): Promise<void>;
}

const NAMES = ['authorization', 'content-type'] as const;

/** Starts a recorder before the server at `target`. */
export async function startRecorder(target: string): Promise<Recorder> {
  const calls: RecordedCall[] = [];
  const answers: CannedAnswer[] = [];
  const pool = new Pool(target, { connections: 64 });

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url: path = '/' } = request;
    const body = await bodyOf(request);
    const headers = kept(request.headers);
    calls.push({ method, path, headers, body });
    const answer = await pool.request({ method: method as 'GET', path, headers, body });
    const text = await answer.body.text();
    answers.push({ key: keyOf(method, path, body), status: answer.statusCode, text });
    response.writeHead(answer.statusCode, { 'content-type': 'application/json; charset=utf-8' }).end(text);
  }

  const server = createServer((request, response) => {
    pass(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    save: (file) => writeFile(file, answers.map((answer) => JSON.stringify(answer)).join('\n')),
    async close() {
      server.closeAllConnections();
      server.close();
      await pool.close();
    },
  };
}

function kept(headers: IncomingHttpHeaders): Readonly<Record<string, string>> {
  return Object.fromEntries(NAMES.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])));
}
