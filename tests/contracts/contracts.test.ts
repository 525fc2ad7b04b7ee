import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { AppError } from '../../shared/domain/errors.ts';
import type { StreamEvent } from '../../shared/events/event.ts';
import { toRecord } from '../../shared/events/kafka-codec.ts';
import { CONTRACTS, contractOf, hasContract } from '../../shared/events/registry.ts';
import { TOPICS } from '../../shared/events/topics.ts';
import { golden, goldenPath, goldenText } from './golden.ts';
import { SAMPLES } from './samples.ts';

describe('the contracts', () => {
  it('have one golden file each, and no golden file is left over', () => {
    const files = readdirSync(new URL('./golden/', import.meta.url)).sort();

    const types = CONTRACTS.map(({ type }) => `${type.slice('io.streamforge.'.length)}.json`).sort();

    assert.deepEqual(files, types);
    assert.deepEqual(SAMPLES.map(({ name }) => `${name}.json`).sort(), types);
  });

  it('go to a topic that they name, and name only declared ones', () => {
    const declared = TOPICS.map(({ name }) => name);
    for (const { contract, data } of SAMPLES) {
      assert.ok(contract.topics.includes(contract.topic(data)), contract.type);
      assert.deepEqual(
        contract.topics.filter((topic) => !declared.includes(topic)),
        [],
        contract.type,
      );
    }
  });

  it('are found by their type, and another type is refused as contract_mismatch with what is allowed', () => {
    for (const contract of CONTRACTS) assert.equal(contractOf(contract.type), contract);

    assert.equal(hasContract('io.streamforge.candles.v2'), false);
    assert.throws(
      () => contractOf('io.streamforge.candles.v2'),
      (error) =>
        error instanceof AppError &&
        error.code === 'contract_mismatch' &&
        error.context.fields?.[0]?.path === 'type' &&
        error.context.fields[0].allowed?.includes('io.streamforge.candles.v1') === true,
    );
  });
});

for (const { name, contract, data, meta } of SAMPLES) {
  describe(name, () => {
    it('is built as its golden file has it, byte for byte', () => {
      const event = contract.build(structuredClone(data), meta);

      assert.equal(goldenText(event), readFileSync(goldenPath(name), 'utf8'));
    });

    it('sends the very JSON of its data', () => {
      const event = contract.build(structuredClone(data), meta);

      const record = toRecord(event, contract.topic(data));

      assert.equal(Buffer.from(record.value as Uint8Array).toString(), JSON.stringify(event.data));
      assert.equal(record.key, event.partitionkey);
    });

    it('is read from its golden file', () => {
      const event = golden(name);

      const read = contract.parse(event);

      assertContains(read, event.data);
    });

    it('keeps fields that it does not know, at every depth', () => {
      const event = golden(name);
      const extended = addUnknown(event.data);

      const read = contract.parse({ ...event, data: extended });

      assertContains(read, extended);
    });

    it('has the same id whoever sends the same fact again, later', () => {
      const event = golden(name);
      const timeIsPartOfTheFact = name === 'workflow-tick.v1';

      const again = contract.build(structuredClone(data), {
        producer: meta.producer,
        time: meta.time + (timeIsPartOfTheFact ? 0 : 60_000),
      });

      assert.equal(again.id, event.id);
    });
  });
}

/** Rows come back with the series and the refused beside them; all that was sent must be there as it was. */
function assertContains(read: unknown, sent: unknown): void {
  const fields = Object.keys(sent as object);
  const kept = Object.fromEntries(Object.entries(read as object).filter(([field]) => fields.includes(field)));
  assert.deepEqual(kept, sent);
}

function addUnknown(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(addUnknown);
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, addUnknown(inner)]));
  return { ...copy, of_a_later_version: { yes: [1, null] } };
}

describe('derived ids', () => {
  const idOf = (name: string, changes: Record<string, unknown>): string => {
    const found = SAMPLES.find((sample) => sample.name === name);
    assert.ok(found);
    return found.contract.build({ ...(structuredClone(found.data) as object), ...changes }, found.meta).id;
  };

  const cases: readonly [name: string, changes: Record<string, unknown>][] = [
    ['candles.v1', { symbol: 'ETHUSDT' }],
    ['candles.v1', { interval: '1m' }],
    ['candles.v1', { origin: 'derived' }],
    ['shard-completed.v1', { try: 2 }],
    ['shard-completed.v1', { attempt: 2 }],
    ['fetch-shard.v1', { try: 3 }],
    ['shard-verified.v1', { verdict: 'short' }],
    ['shard-verified.v1', { try: 2 }],
    ['queue-event.v1', { status: 'completed' }],
    ['queue-event.v1', { records_written: 1 }],
    ['workflow-stop-requested.v1', { attempt: 2 }],
    ['command.v1', { timestamp: 1 }],
    ['gap-detected.v1', { cause: 'disconnect' }],
    ['coverage-advanced.v1', { to: 1_722_470_402_000 }],
  ];
  for (const [name, changes] of cases) {
    it(`of ${name} differ where ${Object.keys(changes)} differs`, () => {
      assert.notEqual(idOf(name, changes), golden(name).id);
    });
  }

  it('of rows depend on their content, not on when they were received', () => {
    const { data } = golden('trades.v1') as StreamEvent<{ rows: { price: number }[] }>;
    const [first, ...rest] = data.rows;

    assert.equal(idOf('trades.v1', { received_at: 5 }), golden('trades.v1').id);
    assert.notEqual(idOf('trades.v1', { rows: [{ ...first, price: 1 }, ...rest] }), golden('trades.v1').id);
  });

  it('of a queue event do not depend on its clock', () => {
    assert.equal(idOf('queue-event.v1', { timestamp: 5 }), golden('queue-event.v1').id);
  });

  it('never meet between two contracts', () => {
    const ids = SAMPLES.map(({ name }) => golden(name).id);

    assert.equal(new Set(ids).size, ids.length);
  });
});

describe('the published specification', () => {
  it('names the fields of commands as we read them', () => {
    const published = {
      command: 'start',
      queue_id: 'wf-btcusdt-api_candles_5m-20240801-a1b2c3',
      target: 'loader-producer',
      symbol: 'BTCUSDT',
      type: 'api_candles_5m',
      time_range: '2024-08-01:2024-08-02',
      kafka_topic: 'wf-btcusdt-api_candles_5m-20240801-a1b2c3-data',
      collection_name: 'btcusdt_api_candles_5m_2024_08_01',
      telemetry_id: 'loader-producer__a1b2c3',
      image: 'example.org/streamforge/loader-producer:v0.2.0',
      timestamp: 1722500000.123,
    };

    const read = contractOf('io.streamforge.command.v1').parse({ ...golden('command.v1'), data: published });

    assert.deepEqual(read, published);
    assert.deepEqual(Object.keys(golden('command.v1').data as object), Object.keys(published));
  });

  it('names the fields of queue events as we send them, ours behind them', () => {
    const published = ['queue_id', 'producer', 'symbol', 'type', 'status', 'message', 'records_written', 'finished', 'timestamp'];

    const fields = Object.keys(golden('queue-event.v1').data as object);

    assert.deepEqual(
      fields.filter((field) => published.includes(field)),
      published,
    );
    assert.deepEqual(
      fields.filter((field) => !published.includes(field)),
      ['attempt', 'stage', 'shard', 'detail', 'error'],
    );
  });

  it('addresses everyone with a star or all, and such events belong to no workflow', () => {
    for (const everyone of ['*', 'all']) {
      const ping = { command: 'ping', queue_id: everyone, timestamp: 1 };
      const pong = { ...(golden('queue-event.v1').data as object), queue_id: everyone };
      const meta = { producer: 'dummy', time: 0 };

      const events = [
        contractOf('io.streamforge.command.v1').build(ping, meta),
        contractOf('io.streamforge.queue-event.v1').build(pong, meta),
      ];

      for (const event of events) {
        assert.equal(event.queueid, undefined);
        assert.equal(event.partitionkey, everyone);
      }
    }
  });

  it('has no workflow of the name of everyone', () => {
    const data = { ...(golden('fetch-shard.v1').data as object), queue_id: '*' };

    assert.throws(
      () => contractOf('io.streamforge.fetch-shard.v1').parse({ ...golden('fetch-shard.v1'), data }),
      (error) => error instanceof AppError && error.context.fields?.[0]?.path === 'queue_id',
    );
  });
});
