import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AppError, type ErrorCode } from '../../shared/domain/errors.ts';
import type { StreamEvent } from '../../shared/events/event.ts';
import { fromHttp, type HttpMessage, toHttp, toHttpBatch } from '../../shared/events/http-codec.ts';
import { anEvent, arbitraryEvent } from './an-event.ts';

const codeIs = (code: ErrorCode, path?: string) => (error: unknown) => {
  assert.ok(error instanceof AppError);
  assert.equal(error.code, code);
  if (path !== undefined) assert.deepEqual([...new Set(error.context.fields?.map((field) => field.path))], [path]);
  return true;
};

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
const structured = { 'content-type': 'application/cloudevents+json' };
const batched = { 'content-type': 'application/cloudevents-batch+json' };
const asJson = (event: StreamEvent): Record<string, unknown> => ({ specversion: '1.0', ...event });

describe('events over HTTP', () => {
  for (const mode of ['binary', 'structured'] as const) {
    it(`go there and back unchanged in ${mode} mode`, () => {
      fc.assert(
        fc.property(arbitraryEvent, (event) => {
          const { headers, body } = toHttp(event, mode);

          assert.deepEqual(fromHttp(headers, body), { mode, events: [event] });
          for (const value of Object.values(headers)) assert.match(value, /^[\x20-\x7e]*$/);
        }),
      );
    });
  }

  it('go there and back unchanged in batches, the empty one too', () => {
    fc.assert(
      fc.property(fc.array(arbitraryEvent, { maxLength: 4 }), (events) => {
        const { headers, body } = toHttpBatch(events);

        assert.deepEqual(fromHttp(headers, body), { mode: 'batched', events });
      }),
    );
  });

  it('survive a real connection in every mode', async () => {
    const event = anEvent({ subject: 'Ünïcode "quoted" 100% 🚀', tracestate: 'a=1,b=2' });
    const messages = [toHttp(event), toHttp(event, 'structured'), toHttpBatch([event, event])];

    const received = await overTheWire(messages);

    assert.deepEqual(
      received.map(({ headers, body }) => fromHttp(headers, body).events),
      [[event], [event], [event, event]],
    );
  });

  it('are written in structured mode as the JSON event format has it', () => {
    const { headers, body } = toHttp(anEvent(), 'structured');

    assert.equal(headers['content-type'], 'application/cloudevents+json; charset=UTF-8');
    assert.deepEqual(JSON.parse(Buffer.from(body).toString()), { ...asJson(anEvent()), datacontenttype: 'application/json' });
  });
});

describe('an HTTP message that is no good event', () => {
  for (const name of ['specversion', 'id', 'source', 'type', 'time']) {
    it(`is unparsable_event without ${name}, in every mode`, () => {
      const { headers, body } = toHttp(anEvent());
      const { [`ce-${name}`]: _, ...without } = headers as Record<string, string>;
      const { [name]: __, ...bare } = asJson(anEvent());

      assert.throws(() => fromHttp(without, body), codeIs('unparsable_event', name));
      assert.throws(() => fromHttp(structured, json(bare)), codeIs('unparsable_event', name));
      assert.throws(() => fromHttp(structured, json({ ...bare, [name]: null })), codeIs('unparsable_event', name));
      assert.throws(() => fromHttp(structured, json({ ...bare, [name]: 7 })), codeIs('unparsable_event', name));
      assert.throws(() => fromHttp(batched, json([asJson(anEvent()), bare])), codeIs('unparsable_event', `1.${name}`));
    });
  }

  it('is unparsable_event where it is not JSON, or not of the format', () => {
    for (const body of ['{', '7', '[]', 'null', '"text"']) {
      assert.throws(() => fromHttp(structured, Buffer.from(body)), codeIs('unparsable_event'), body);
    }
    for (const body of ['{', '7', '{}', 'null', '[7]', '[null]', '[[]]']) {
      assert.throws(() => fromHttp(batched, Buffer.from(body)), codeIs('unparsable_event'), body);
    }
    assert.throws(() => fromHttp(toHttp(anEvent()).headers, Buffer.from('{')), codeIs('unparsable_event', 'data'));
  });

  it('is unparsable_event without data', () => {
    const { data: _, ...bare } = asJson(anEvent());

    assert.throws(() => fromHttp(toHttp(anEvent()).headers, new Uint8Array()), codeIs('unparsable_event', 'data'));
    assert.throws(() => fromHttp(structured, json(bare)), codeIs('unparsable_event', 'data'));
  });

  it('is unparsable_event where an attribute has no form of the CloudEvents schema', () => {
    const cases = { source: '%zz', time: '2021-02-30T00:00:00Z', dataschema: 'relative' };

    for (const [name, value] of Object.entries(cases)) {
      assert.throws(() => fromHttp(structured, json({ ...asJson(anEvent()), [name]: value })), codeIs('unparsable_event', name));
    }
  });

  it('is unparsable_event with an attribute name that is none, or an attribute twice', () => {
    const { headers, body } = toHttp(anEvent());

    assert.throws(() => fromHttp(structured, json({ ...asJson(anEvent()), queueId: 'x' })), codeIs('unparsable_event', 'queueId'));
    assert.throws(() => fromHttp({ ...headers, 'ce-id': ['a', 'b'] }, body), codeIs('unparsable_event', 'id'));
    assert.throws(
      () => fromHttp({ ...headers, 'ce-datacontenttype': 'application/json' }, body),
      codeIs('unparsable_event', 'datacontenttype'),
    );
  });

  it('is unsupported_media_type with another content type, or none', () => {
    const { headers, body } = toHttp(anEvent());
    const types = [
      'application/cloudevents+xml',
      'application/cloudevents',
      'application/xml',
      'text/plain',
      '',
      'application/cloudevents+json; charset=latin1',
    ];

    for (const type of types) {
      assert.throws(() => fromHttp({ ...headers, 'content-type': type }, body), codeIs('unsupported_media_type', 'content-type'), type);
    }
    const { 'content-type': _, ...without } = headers;
    assert.throws(() => fromHttp(without, body), codeIs('unsupported_media_type', 'content-type'));
    const data = { ...asJson(anEvent()), datacontenttype: 'text/plain' };
    assert.throws(() => fromHttp(structured, json(data)), codeIs('unsupported_media_type'));
  });
});

describe('events of other senders', () => {
  it('are read with header names and content types in any case, and without partition key', () => {
    const headers = {
      'Content-Type': 'Application/JSON; Charset="UTF-8"',
      'CE-SpecVersion': '1.0',
      'Ce-Id': 'a',
      'ce-Source': '/x',
      'ce-type': 't',
      'ce-time': '2024-08-01T02:00:00+02:00',
      'ce-knativekafkaoffset': '9',
    };

    const { events } = fromHttp(headers, Buffer.from('7'));

    assert.deepEqual(events, [{ id: 'a', source: '/x', type: 't', time: '2024-08-01T02:00:00+02:00', partitionkey: 'a', data: 7 }]);
  });

  it('may carry their JSON as base64, but not beside data', () => {
    const { data, ...bare } = asJson(anEvent());
    const data_base64 = Buffer.from(JSON.stringify(data)).toString('base64');

    assert.deepEqual(fromHttp(structured, json({ ...bare, data_base64 })).events, [anEvent()]);
    assert.throws(() => fromHttp(structured, json({ ...bare, data, data_base64 })), codeIs('unparsable_event', 'data_base64'));
  });
});

async function overTheWire(messages: readonly HttpMessage[]): Promise<{ headers: IncomingHttpHeaders; body: Uint8Array }[]> {
  const received: { headers: IncomingHttpHeaders; body: Uint8Array }[] = [];
  const server = createServer(async (request, response) => {
    received.push({ headers: request.headers, body: await buffer(request) });
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    for (const { headers, body } of messages) {
      const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body: Buffer.from(body) });
      await answer.arrayBuffer();
    }
  } finally {
    server.closeAllConnections();
    server.close();
  }
  return received;
}
