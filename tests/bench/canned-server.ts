// Gives answers that were written down to the requests that they were given to: an HTTP server that does nothing else. Several to one request come in turn,
// over and over. Usage: node canned-server.ts <file of answers>; the first line on stdout is {"url": …}; ends with SIGTERM.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bodyOf, type CannedAnswer, keyOf } from './canned-calls.ts';

interface Turns {
  readonly answers: { readonly status: number; readonly bytes: Buffer }[];
  next: number;
}

const byKey = new Map<string, Turns>();
for (const line of (await readFile(process.argv[2] ?? '', 'utf8')).split('\n')) {
  const { key, status, text } = JSON.parse(line) as CannedAnswer;
  const turns = byKey.get(key) ?? { answers: [], next: 0 };
  turns.answers.push({ status, bytes: Buffer.from(text) });
  byKey.set(key, turns);
}

const server = createServer(async (request, response) => {
  const turns = byKey.get(keyOf(request.method ?? '', request.url ?? '', await bodyOf(request)));
  const answer = turns?.answers[turns.next++ % turns.answers.length];
  if (answer === undefined) {
    response.writeHead(501).end('{}');
    return;
  }
  response.writeHead(answer.status, { 'content-type': 'application/json; charset=utf-8', 'content-length': answer.bytes.length });
  response.end(answer.bytes);
});
await once(server.listen(0, '127.0.0.1'), 'listening');
process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })}\n`);
