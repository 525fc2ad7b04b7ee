import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AppError, type ErrorCode } from '../../shared/domain/errors.ts';
import { fromRecord, headerTexts, toRecord } from '../../shared/events/kafka-codec.ts';
import { anEvent, arbitraryEvent } from './an-event.ts';

const codeIs = (code: ErrorCode, path?: string) => (error: unknown) => {
  assert.ok(error instanceof AppError);
  assert.equal(error.code, code);
  if (path !== undefined) assert.deepEqual([...new Set(error.context.fields?.map((field) => field.path))], [path]);
  return true;
};

describe('records in binary mode', () => {
  it('carry any event there and back unchanged', () => {
    fc.assert(
      fc.property(arbitraryEvent, (event) => {
        assert.deepEqual(fromRecord(toRecord(event, 'market.trades')), event);
      }),
    );
  });

  it('have plain UTF-8 headers, the partition key as key and the JSON of the data as value', () => {
    const event = anEvent({ subject: 'a "ü" 100%', queueid: 'wf-1' });

    const record = toRecord(event, 'market.trades');

    assert.deepEqual(record.headers, {
      'content-type': 'application/json',
      ce_specversion: '1.0',
      ce_id: event.id,
      ce_source: '/streamforge/fetch',
      ce_type: 'io.streamforge.trades.v1',
      ce_time: '2024-08-01T00:00:00.000Z',
      ce_subject: 'a "ü" 100%',
      ce_partitionkey: 'binance:BTCUSDT:trades',
      ce_queueid: 'wf-1',
    });
    assert.equal(record.topic, 'market.trades');
    assert.equal(record.key, 'binance:BTCUSDT:trades');
    assert.equal(Buffer.from(record.value ?? []).toString(), '{"rows":[{"id":1}]}');
  });

  it('are read with header names in any case, and extensions of others are read over', () => {
    const { headers, ...record } = toRecord(anEvent(), 't');
    const shouting = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toUpperCase(), value]));

    const event = fromRecord({ ...record, headers: { ...shouting, ce_knativekafkaoffset: '7', other: 'x' } });

    assert.deepEqual(event, anEvent());
  });

  it('are JSON where no content type is given', () => {
    const record = toRecord(anEvent(), 't');
    const { 'content-type': _, ...headers } = record.headers;

    assert.deepEqual(fromRecord({ ...record, headers }), anEvent());
  });

  it('case 56: are unparsable_event without value, with bytes that are not JSON or not UTF-8', () => {
    const record = toRecord(anEvent(), 't');

    for (const value of [null, Buffer.from(''), Buffer.from('{'), Buffer.from([0x22, 0xff, 0x22])]) {
      assert.throws(() => fromRecord({ ...record, value }), codeIs('unparsable_event', 'data'));
    }
  });

  it('case 56: are unparsable_event without any event in them', () => {
    assert.throws(() => fromRecord({ key: null, headers: {}, value: Buffer.from('{}') }), codeIs('unparsable_event'));
  });

  for (const name of ['specversion', 'id', 'source', 'type', 'time']) {
    it(`are unparsable_event without ${name}, and nothing is filled in`, () => {
      const record = toRecord(anEvent(), 't');
      const { [`ce_${name}`]: _, ...headers } = record.headers;

      assert.throws(() => fromRecord({ ...record, headers }), codeIs('unparsable_event', name));
      assert.throws(() => fromRecord({ ...record, headers: { ...headers, [`ce_${name}`]: '' } }), codeIs('unparsable_event', name));
    });
  }

  it('are unparsable_event where an attribute is too long, no URI, no time, or has a control character', () => {
    const record = toRecord(anEvent(), 't');
    const cases = {
      id: 'x'.repeat(1_025),
      type: 'a\u0000b',
      source: 'two words',
      time: '2024-08-01',
      subject: 'x'.repeat(513),
      queueid: '',
      specversion: '0.3',
    };

    for (const [name, value] of Object.entries(cases)) {
      assert.throws(
        () => fromRecord({ ...record, headers: { ...record.headers, [`ce_${name}`]: value } }),
        codeIs('unparsable_event', name),
      );
    }
  });

  it('are not written with attributes that no reader would take', () => {
    for (const bad of [{ id: '' }, { time: 'now' }, { subject: '\ud800' }, { sequence: 'x'.repeat(200) }, { data: undefined }]) {
      assert.throws(() => toRecord(anEvent(bad), 't'), codeIs('unparsable_event', Object.keys(bad)[0]));
    }
  });

  it('are unsupported_media_type where the data is not JSON, and in batches', () => {
    const record = toRecord(anEvent(), 't');

    for (const type of [
      'text/plain',
      'application/cloudevents+avro',
      'application/cloudevents-batch+json',
      'application/json; charset=utf-16',
    ]) {
      assert.throws(
        () => fromRecord({ ...record, headers: { ...record.headers, 'content-type': type } }),
        codeIs('unsupported_media_type', 'content-type'),
      );
    }
  });
});

describe('records in structured mode', () => {
  it('are read, whatever the case of their content type', () => {
    const json = { specversion: '1.0', ...anEvent(), datacontenttype: 'application/json' };

    const event = fromRecord({
      key: 'k',
      headers: { 'Content-Type': 'Application/CloudEvents+JSON; charset=UTF-8' },
      value: Buffer.from(JSON.stringify(json)),
    });

    assert.deepEqual(event, anEvent());
  });
});

describe('the partition key of a record', () => {
  const without = (): Readonly<Record<string, string>> => {
    const { ce_partitionkey: _, ...headers } = toRecord(anEvent(), 't').headers;
    return headers;
  };

  it('is the one of the event: the key of the record never replaces it', () => {
    const record = toRecord(anEvent(), 't');

    assert.equal(fromRecord({ ...record, key: 'another' }).partitionkey, 'binance:BTCUSDT:trades');
  });

  it('is the key of the record where a stranger sent none, else the subject, else the id', () => {
    const value = Buffer.from('{}');
    const { ce_subject: _, ...bare } = without();

    assert.equal(fromRecord({ key: 'k', headers: without(), value }).partitionkey, 'k');
    assert.equal(fromRecord({ key: null, headers: without(), value }).partitionkey, 'binance:BTCUSDT:trades');
    assert.equal(fromRecord({ key: null, headers: bare, value }).partitionkey, anEvent().id);
  });
});

describe('headers as clients give them', () => {
  it('become text from bytes, text, and the last of several; nothing else', () => {
    const texts = headerTexts({ a: Buffer.from('ü'), b: 'text', c: [Buffer.from('first'), Buffer.from('last')], d: undefined, e: null });

    assert.deepEqual(texts, { a: 'ü', b: 'text', c: 'last' });
  });

  it('are unparsable_event where they are not UTF-8', () => {
    assert.throws(() => headerTexts({ ce_id: Buffer.from([0xc3]) }), codeIs('unparsable_event', 'ce_id'));
  });
});
