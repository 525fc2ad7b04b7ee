import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { AppError } from '../../shared/domain/errors.ts';
import { deadLetterRows } from '../../shared/runtime/dead-letter-rows.ts';
import type { ReceivedEvent } from '../../shared/runtime/define-function.ts';
import { aProbe, type Backing, createHarness, openBacking } from './consumer-harness.ts';

let backing: Backing;
before(async () => {
  backing = await openBacking();
});
after(() => backing.close());

const rows = [{ v: 0 }, { v: 1 }, { v: 2 }];
const withRow = ({ event }: ReceivedEvent, index: number) => ({ ...event, data: { rows: [rows[index]] } });
const refused = (received: ReceivedEvent, index: number) => ({
  index,
  code: 'precision_lost' as const,
  message: `row ${index} has too many digits`,
  raw: rows[index],
  event: withRow(received, index),
});

describe('rows that are refused alone', () => {
  test('become one letter each, with index, cause and the event of that row; the event itself goes on', async () => {
    const h = await createHarness(backing);
    await h.publish([aProbe('before'), aProbe('batch', { queueid: 'wf-1', data: { rows } })]);

    const consumer = await h.start({
      async handle(received, context) {
        if (received.event.id === 'batch') await deadLetterRows(context, received, [refused(received, 0), refused(received, 2)]);
      },
    });
    await h.until(async () => (await h.lag()) === 0, 'no lag');

    const letters = await h.letters();
    assert.deepEqual(
      letters.map(({ row, code, group, record }) => [row, code, group, record.topic, record.partition, record.offset]),
      [
        [0, 'precision_lost', h.group, h.topic, 0, 1],
        [2, 'precision_lost', h.group, h.topic, 0, 1],
      ],
    );
    assert.match(letters[1]?.cause ?? '', /row 2 has too many digits.*\{"v":2\}/);
    assert.deepEqual(JSON.parse(Buffer.from(letters[1]?.record.value ?? []).toString()), { rows: [{ v: 2 }] });
    const stored = await backing.store.workflows.listDeadLetters({ topic: h.topic });
    assert.deepEqual(stored.map(({ row, offset, queue_id }) => [row, offset, queue_id]).sort(), [
      [0, 1, 'wf-1'],
      [2, 1, 'wf-1'],
    ]);
    assert.equal(h.context.measured.filter(({ name }) => name === 'streamforge_rows_dead_lettered_total').length, 2);
    await consumer.stop();
  });

  test('are replayed alone', async () => {
    const h = await createHarness(backing);
    const seen: unknown[] = [];
    await h.publish([aProbe('batch', { data: { rows } })]);
    const consumer = await h.start({
      async handle(received, context) {
        seen.push(received.event.data);
        if (seen.length === 1) await deadLetterRows(context, received, [refused(received, 1)]);
      },
    });
    await h.until(async () => (await h.lag()) === 0, 'no lag');

    const [letter] = await h.letters();
    assert.ok(letter !== undefined);
    await consumer.replay(letter.record);
    await consumer.stop();

    assert.deepEqual(seen, [{ rows }, { rows: [{ v: 1 }] }]);
  });

  test('of an event that came by HTTP are thrown: its sender keeps it', async () => {
    const h = await createHarness(backing);
    const received = { event: aProbe('pushed') };

    await assert.rejects(
      deadLetterRows(h.context, received, [refused(received, 1)]),
      (error: AppError) => error.code === 'precision_lost' && error.context.row === 1,
    );
    assert.deepEqual(await h.letters(), []);
  });

  test('none is nothing', async () => {
    const h = await createHarness(backing);

    await deadLetterRows(h.context, { event: aProbe('e') }, []);

    assert.deepEqual(await h.letters(), []);
  });
});
