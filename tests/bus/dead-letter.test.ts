import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type BusRecord, MAX_RECORD_BYTES } from '../../shared/bus/bus.ts';
import { buildDeadLetter, DEAD_LETTER_HEADERS, parseDeadLetter } from '../../shared/bus/dead-letter.ts';
import { recordBytes } from '../../shared/bus/record-size.ts';
import { AppError } from '../../shared/domain/errors.ts';

const failure = { error: new AppError('contract_mismatch', 'rows[3].close is missing'), group: 'sink' };

function aBusRecord(overrides: Partial<BusRecord> = {}): BusRecord {
  return {
    topic: 'market.candles.history',
    partition: 4,
    offset: 77,
    timestamp: 1_722_470_400_123,
    key: 'binance:BTCUSDT:candles:5m',
    headers: { ce_id: 'one', 'content-type': 'application/json' },
    value: Buffer.from('{}'),
    ...overrides,
  };
}

/** The letter as it is read back from the dead-letter topic. */
function readBack(record: BusRecord, given: Parameters<typeof buildDeadLetter>[1] = failure) {
  const letter = buildDeadLetter(record, given);
  return parseDeadLetter({ ...letter, partition: 2, offset: 5, timestamp: 9 });
}

describe('dead letter', () => {
  it('goes to the dead-letter topic of its origin, under the same key, with its headers and value', () => {
    const record = aBusRecord();

    const letter = buildDeadLetter(record, failure);

    assert.equal(letter.topic, 'market.candles.history.dlq');
    assert.equal(letter.key, record.key);
    assert.equal(letter.value, record.value);
    assert.deepEqual(letter.headers, {
      ...record.headers,
      dlq_code: 'contract_mismatch',
      dlq_cause: 'rows[3].close is missing',
      dlq_group: 'sink',
      dlq_topic: 'market.candles.history',
      dlq_partition: '4',
      dlq_offset: '77',
      dlq_timestamp: '1722470400123',
    });
  });

  it('gives back the record as the handler saw it, also without key or value', () => {
    for (const record of [
      aBusRecord(),
      aBusRecord({ key: null }),
      aBusRecord({ key: '' }),
      aBusRecord({ value: null }),
      aBusRecord({ value: Buffer.alloc(0) }),
    ]) {
      assert.deepEqual(readBack(record)?.record, record);
    }
  });

  it('carries an error that nobody classified as unclassified', () => {
    const letter = readBack(aBusRecord(), { error: new TypeError('boom'), group: 'sink' });

    assert.deepEqual([letter?.code, letter?.cause], ['unclassified', 'boom']);
  });

  it('cuts a long cause, and stays well-formed text', () => {
    const letter = buildDeadLetter(aBusRecord(), { error: new Error(`${'x'.repeat(1_023)}😀`), group: 'sink' });

    const cause = letter.headers[DEAD_LETTER_HEADERS.cause] ?? '';
    assert.equal(cause.length, 1_024);
    assert.ok(cause.isWellFormed());
  });

  it('leaves out a value that no longer fits beside the cause, and says so', () => {
    const record = aBusRecord({ value: new Uint8Array(MAX_RECORD_BYTES - 200) });

    const letter = buildDeadLetter(record, failure);
    const back = readBack(record);

    assert.ok(recordBytes(letter) <= MAX_RECORD_BYTES);
    assert.deepEqual([back?.valueOmitted, back?.record.value], [true, null]);
    assert.equal(readBack(aBusRecord({ value: null }))?.valueOmitted, false);
  });

  it('takes nothing else for a letter', () => {
    const foreign = aBusRecord({ topic: 'market.candles.history.dlq' });
    const marker = { ...foreign, headers: { [DEAD_LETTER_HEADERS.replayed]: '3', [DEAD_LETTER_HEADERS.group]: 'sink' } };
    const forged = { ...foreign, headers: { ...buildDeadLetter(aBusRecord(), failure).headers, [DEAD_LETTER_HEADERS.offset]: '-1e3' } };

    assert.deepEqual([foreign, marker, forged].map(parseDeadLetter), [undefined, undefined, undefined]);
  });
});
