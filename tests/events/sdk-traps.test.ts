import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CloudEvent, HTTP, Kafka, type KafkaMessage } from 'cloudevents';
import fc from 'fast-check';
import { AppError, type ErrorCode } from '../../shared/domain/errors.ts';
import type { StreamEvent } from '../../shared/events/event.ts';
import { fromHttp, toHttp } from '../../shared/events/http-codec.ts';
import { fromRecord, headerTexts, toRecord } from '../../shared/events/kafka-codec.ts';
import { anEvent } from './an-event.ts';

/** Each trap is shown twice: that the SDK still has it (when it has not, the wrapper can go), and that our codec does not. */
const codeIs = (code: ErrorCode) => (error: unknown) => error instanceof AppError && error.code === code;

const record = toRecord(anEvent(), 'market.trades');
const value = Buffer.from(record.value ?? []);
const asMessage = (message: object): KafkaMessage => message as KafkaMessage;
const structuredHeaders = { 'content-type': 'application/cloudevents+json' };

describe('traps of the CloudEvents SDK', () => {
  it('headers of bytes, as Kafka clients give them: the SDK breaks on them, we read them', () => {
    const raw = Object.fromEntries(Object.entries(record.headers).map(([name, text]) => [name, Buffer.from(text)]));

    const byUs = fromRecord({ key: record.key, headers: headerTexts(raw), value });

    assert.throws(() => Kafka.toEvent(asMessage({ headers: raw, key: record.key, value, body: value })), TypeError);
    assert.deepEqual(byUs, anEvent());
  });

  it("the record's key as partition key, a Buffer too: the SDK puts it into the event, we keep the event's own", () => {
    const key = Buffer.from('another');

    const bySdk = Kafka.toEvent(asMessage({ headers: record.headers, key, value, body: value })) as CloudEvent;
    const byUs = fromRecord({ key: 'another', headers: record.headers, value });

    assert.ok(Buffer.isBuffer(bySdk.partitionkey));
    assert.equal(byUs.partitionkey, 'binance:BTCUSDT:trades');
  });

  it('an event without required attributes: the SDK does not validate what it decodes, we do', () => {
    const { ce_source: _, ce_type: __, ...headers } = record.headers;

    const bySdk = Kafka.toEvent(asMessage({ headers, key: 'k', value, body: value })) as CloudEvent;

    assert.equal(bySdk.type, undefined);
    assert.throws(() => fromRecord({ key: 'k', headers, value }), codeIs('unparsable_event'));
  });

  it('the value of a record: an object with the SDK, bytes with us', () => {
    const bySdk = Kafka.binary(new CloudEvent({ ...anEvent() }));

    assert.equal(typeof bySdk.value, 'object');
    assert.ok(!(bySdk.value instanceof Uint8Array));
    assert.ok(record.value instanceof Uint8Array);
  });

  it('a structured event without time: a RangeError of the SDK, unparsable_event of ours', () => {
    const { time: _, ...timeless } = { specversion: '1.0', ...anEvent() };
    const body = Buffer.from(JSON.stringify(timeless));

    assert.throws(() => Kafka.toEvent(asMessage({ headers: structuredHeaders, key: 'k', value: body.toString(), body })), RangeError);
    assert.throws(() => fromRecord({ key: 'k', headers: structuredHeaders, value: body }), codeIs('unparsable_event'));
    assert.throws(() => fromHttp(structuredHeaders, body), codeIs('unparsable_event'));
  });

  it('broken JSON: a SyntaxError of the SDK, unparsable_event of ours', () => {
    assert.throws(() => HTTP.toEvent({ headers: structuredHeaders, body: '{' }), SyntaxError);
    assert.throws(() => fromHttp(structuredHeaders, Buffer.from('{')), codeIs('unparsable_event'));
  });

  it('a missing id and time: the SDK makes them up, we refuse the event', () => {
    const { id: _, time: __, ...bare } = anEvent();

    const bySdk = new CloudEvent({ ...bare });

    assert.ok(bySdk.id.length > 0 && bySdk.time !== undefined);
    assert.throws(() => toRecord(bare as StreamEvent, 't'), codeIs('unparsable_event'));
    assert.throws(() => toHttp(bare as StreamEvent), codeIs('unparsable_event'));
  });

  it('microseconds in a time: the SDK cuts them off, we send the time as it is', () => {
    const event = anEvent({ time: '2024-08-01T00:00:00.123456Z' });

    const bySdk = HTTP.binary(new CloudEvent({ ...event }));

    assert.equal(bySdk.headers['ce-time'], '2024-08-01T00:00:00.123Z');
    assert.equal(toHttp(event).headers['ce-time'], '2024-08-01T00:00:00.123456Z');
  });

  it('header values: the SDK sends them as they are, we percent-encode them', () => {
    const event = anEvent({ subject: 'ü' });

    assert.equal(HTTP.binary(new CloudEvent({ ...event })).headers['ce-subject'], 'ü');
    assert.equal(toHttp(event).headers['ce-subject'], '%C3%BC');
  });

  it('misspelt attributes: they compile with the SDK, not with us', () => {
    const bySdk = new CloudEvent({ ...anEvent(), datacontentype: 'application/json' });
    // @ts-expect-error An event has no attribute of that name: the type is closed.
    const byUs: StreamEvent = { ...anEvent(), datacontentype: 'application/json' };

    assert.equal(bySdk.datacontentype, 'application/json');
    assert.ok(!Object.keys(toRecord(byUs, 't').headers).includes('ce_datacontentype'));
  });
});

describe('the SDK as a witness', () => {
  const jsonObject = fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true });
  const attributes = fc.record({
    id: fc.stringMatching(/^[!-~]{1,30}$/),
    subject: fc.stringMatching(/^[a-zA-Z0-9:]{1,30}$/),
    data: jsonObject,
  });

  it('reads the records that we write', () => {
    fc.assert(
      fc.property(attributes, (overrides) => {
        const event = anEvent(overrides);
        const { headers, key, value: bytes } = toRecord(event, 't');
        const text = Buffer.from(bytes ?? []).toString();

        const read = Kafka.toEvent(asMessage({ headers, key, value: text, body: text })) as CloudEvent;

        for (const [name, expected] of Object.entries(event)) assert.deepEqual(read[name], expected);
      }),
    );
  });

  it('reads the HTTP messages that we write, and we read those that it writes', () => {
    fc.assert(
      fc.property(attributes, fc.constantFrom('binary' as const, 'structured' as const), (overrides, mode) => {
        const event = anEvent({ ...overrides, id: overrides.id.replaceAll(/["%]/g, '_') });
        const ours = toHttp(event, mode);
        const theirs = HTTP[mode](new CloudEvent({ ...event, datacontenttype: 'application/json' }));

        const read = HTTP.toEvent({
          headers: { ...ours.headers, 'content-type': contentTypeOf(mode) },
          body: Buffer.from(ours.body).toString(),
        });
        const back = fromHttp(theirs.headers as Record<string, string>, Buffer.from(String(theirs.body)));

        for (const [name, expected] of Object.entries(event)) assert.deepEqual((read as CloudEvent)[name], expected);
        assert.deepEqual(back.events, [event]);
      }),
    );
  });
});

/** Another trap: the SDK's table of parsers knows media types by their full text, with the space and the case that it writes itself. */
function contentTypeOf(mode: 'binary' | 'structured'): string {
  return mode === 'binary' ? 'application/json' : 'application/cloudevents+json; charset=utf-8';
}
