import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** What happens to one request on its way. */
export type Fault =
  /** Answered here, unheard by the server. */
  | { readonly status: number; readonly body?: string }
  /** The connection ends before the server hears of it. */
  | 'reset'
  /** The server hears it, acts, and answers; the connection ends before the answer is passed on. */
  | 'lose-answer'
  /** The answer ends in the middle of its body. */
  | 'cut-answer'
  /** One bit of the answer's body is another. */
  | 'flip-bit'
  /** Nothing is ever said. */
  | 'silence'
  /** The answer begins and then trickles: one byte, and nothing more. */
  | 'trickle';

/** A request as the proxy saw it: `PUT /bucket/key?partNumber=1&uploadId=…`. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}

/** A server between an adapter and MinIO that does what it is told to single requests, and passes on all others as they are. */
export interface FaultyProxy {
  readonly endpoint: string;
  readonly seen: readonly SeenRequest[];
  /** Requests whose connection still waits for an answer. */
  inFlight(): number;
  /** Asked for each request, in order; undefined lets it pass. Replaces what was set before. */
  faults(decide: (request: SeenRequest) => Fault | undefined): void;
  close(): Promise<void>;
}

/** Listens on a free port of 127.0.0.1 and passes on to `target` (`http://host:port`), `Host` included: signatures stay valid. */
export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const seen: SeenRequest[] = [];
  let waiting = 0;
  let decide: (request: SeenRequest) => Fault | undefined = () => undefined;
  const server = createServer((incoming, outgoing) => {
    const { method = '', url = '', headers } = incoming;
    const arrived = { method, url, headers };
    seen.push(arrived);
    waiting += 1;
    outgoing.once('close', () => {
      waiting -= 1;
    });
    const fault = decide(arrived);
    incoming.on('error', () => incoming.socket.destroy());
    if (fault === 'reset') incoming.socket.destroy();
    else if (fault === 'silence') incoming.resume();
    else if (typeof fault === 'object') void answerHere(incoming, outgoing, fault);
    else void passOn(target, incoming, outgoing, fault).catch(() => incoming.socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    inFlight: () => waiting,
    faults(next) {
      decide = next;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The first `count` requests that match meet the fault. */
export function firstOnes(
  count: number,
  matches: (request: SeenRequest) => boolean,
  fault: Fault,
): (request: SeenRequest) => Fault | undefined {
  let left = count;
  return (arrived) => (matches(arrived) && left-- > 0 ? fault : undefined);
}

async function answerHere(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { status, body = '' }: Exclude<Fault, string>,
): Promise<void> {
  incoming.resume();
  await once(incoming, 'end');
  outgoing.writeHead(status, { 'content-length': Buffer.byteLength(body) });
  outgoing.end(body);
}

async function passOn(target: string, incoming: IncomingMessage, outgoing: ServerResponse, fault: Fault | undefined): Promise<void> {
  const { method, url, headers } = incoming;
  const onward = request(`${target}${url}`, { method, headers, agent: false });
  incoming.pipe(onward);
  incoming.on('close', () => void (incoming.complete || onward.destroy()));
  const [answer] = (await once(onward, 'response')) as [IncomingMessage];
  if (fault === undefined) {
    outgoing.writeHead(answer.statusCode ?? 0, answer.rawHeaders);
    answer.pipe(outgoing);
    return;
  }
  const body = Buffer.concat(await answer.toArray());
  if (fault === 'lose-answer') {
    incoming.socket.destroy();
    return;
  }
  outgoing.writeHead(answer.statusCode ?? 0, answer.rawHeaders);
  if (fault === 'flip-bit') {
    body[0] = (body[0] ?? 0) ^ 1;
    outgoing.end(body);
  } else {
    outgoing.write(body.subarray(0, fault === 'trickle' ? 1 : body.length / 2));
    await nextTurn();
    if (fault === 'cut-answer') incoming.socket.destroy();
  }
}
