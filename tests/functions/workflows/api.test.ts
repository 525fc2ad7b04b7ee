import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Series, seriesId } from '../../../shared/domain/series.ts';
import { QUEUE_CONTROL } from '../../../shared/events/topics.ts';
import { type ServedWorkflows, serveWorkflows } from './serve-workflows.ts';
import { MONTH, readOn, saidBy, shardsOn, startOn, verdictOn } from './workers.ts';

const [FROM, TO] = [Date.UTC(2024, 7, 1), Date.UTC(2024, 8, 1)];

let served: ServedWorkflows;
before(async () => {
  served = await serveWorkflows();
});
after(() => served.close());

const start = async (body: object = MONTH): Promise<string> => {
  const id = await startOn(served, body);
  await served.fold();
  return id;
};
const read = (id: string) => readOn(served, id);

test('case 65: a stop is taken while something runs, interrupts once, and resume plans anew from the ledger', async () => {
  const id = await start();
  const [first, ...others] = await shardsOn(served, id);
  assert.ok(first);
  await served.append(verdictOn(first));
  const early = await served.call('POST', `/workflows/${id}/resume`, {});
  const stop = await served.call('POST', `/workflows/${id}/stop`, { reason: 'enough' });
  await served.fold();

  assert.deepEqual([early.status, early.json().code], [409, 'state_conflict']);
  assert.deepEqual([stop.status, stop.json().status, stop.json().attempt], [202, 'stopping', 1]);
  const interrupted = await read(id);
  assert.deepEqual(
    [interrupted.status, interrupted.stages[0].status, interrupted.attempts[0].reason],
    ['interrupted', 'interrupted', 'enough'],
  );
  const again = await served.call('POST', `/workflows/${id}/stop`);
  assert.deepEqual([again.status, again.json().code], [409, 'state_conflict']);
  assert.match(again.json().detail, /is interrupted/);

  await served.stores.market.writeLedger([
    { series: first.series, month: '2024-08', rev: 0, covered: [{ from: FROM, to: first.to, origin: 'rest' }], absent: [], open: [] },
  ]);
  const resume = await served.call('POST', `/workflows/${id}/resume`);
  await served.fold();

  assert.deepEqual([resume.status, resume.json().status, resume.json().attempt], [202, 'resuming', 2]);
  const resumed = await shardsOn(served, id, 2);
  assert.deepEqual(
    resumed.map(({ shard }) => shard),
    others.map(({ shard }) => shard),
  );
  await served.append(...resumed.map((command) => verdictOn(command)));
  await served.fold();
  const finished = await read(id);
  assert.deepEqual(
    [finished.status, finished.attempt, finished.attempts.map(({ status }: { status: string }) => status)],
    ['finished', 2, ['interrupted', 'finished']],
  );
  const late = await served.call('POST', `/workflows/${id}/resume`);
  assert.deepEqual([late.status, late.json().code], [409, 'state_conflict']);
  const controls = (await served.events(QUEUE_CONTROL))
    .filter((event) => event.queueid === id)
    .map(({ data }) => (data as { command: string }).command);
  assert.deepEqual(controls, ['start', 'stop', 'start']);
});

test('a workflow that nobody asked for is 404, whatever is wanted of it', async () => {
  const id = 'wf-btcusdt-api_trades-20240801-zzzzzz';
  for (const [method, path] of [
    ['GET', `/workflows/${id}`],
    ['GET', `/workflows/${id}/events`],
    ['POST', `/workflows/${id}/stop`],
    ['POST', `/workflows/${id}/resume`],
  ] as const) {
    const answer = await served.call(method, path);
    assert.deepEqual([answer.status, answer.json().code], [404, 'not_found'], path);
  }
});

test('a workflow shows the rows that are proven and the holes that the exchange itself has, with their evidence', async () => {
  const series = 'binance:SOLUSDT:candles:5m';
  const id = await start({ ...MONTH, symbol: 'SOLUSDT' });
  const outage = { from: FROM + 3_600_000, to: FROM + 7_200_000 };
  const evidence = { method: 'narrow read', grade: 'two-reads', before_key: '1', after_key: '2', asked_at: [1, 2] } as const;
  await served.stores.market.writeLedger([
    {
      series,
      month: '2024-08',
      rev: 0,
      covered: [
        { from: FROM, to: outage.from, origin: 'rest' },
        { from: outage.to, to: TO, origin: 'rest' },
      ],
      absent: [{ ...outage, kind: 'exchange-outage', evidence }],
      open: [],
    },
  ]);

  const [load] = (await read(id)).stages;

  assert.deepEqual([load.rows_counted, load.complete, load.absent_count], [8_928 - 12, true, 1]);
  assert.deepEqual(load.absent, [{ ...outage, kind: 'exchange-outage', evidence, series }]);
});

test('candles of three days are counted where they open, not where days counted from the epoch would have them', async () => {
  const series: Series = { exchange: 'binance', symbol: 'ETHUSDT', kind: 'candles', interval: '3d' };
  const id = await start({ ...MONTH, symbol: 'ETHUSDT', type: 'api_candles_3d' });
  const [next, end] = [FROM + 3 * 86_400_000, FROM + 6 * 86_400_000];
  const prices = { open: 1, high: 1, low: 1, close: 1, volume: 1, is_closed: true };
  const rows = [
    { open_time: FROM, close_time: next - 1, ...prices },
    { open_time: next, close_time: end - 1, ...prices },
  ];
  await served.stores.market.upsertRows(series, rows, { origin: 'rest', received_at: end });
  const covered = [{ from: FROM, to: end - 86_400_000, origin: 'rest' as const }];
  await served.stores.market.writeLedger([{ series: seriesId(series), month: '2024-08', rev: 0, covered, absent: [], open: [] }]);

  const [load] = (await read(id)).stages;

  assert.equal(load.rows_counted, rows.length);
});

test('workflows are listed newest first, by status, symbol and type, page after page', async () => {
  const own = await serveWorkflows();
  try {
    for (const symbol of ['BTCUSDT', 'ETHUSDT', 'BTCUSDT']) await own.call('POST', '/workflows', { ...MONTH, symbol });
    await own.fold();
    const list = async (query: string) => (await own.call('GET', `/workflows?${query}`)).json();

    const pages = [await list('limit=2')];
    pages.push(await list(`limit=2&cursor=${encodeURIComponent(pages[0].cursor)}`));

    assert.deepEqual(
      pages.map(({ items }) => items.length),
      [2, 1],
    );
    assert.equal(pages[1].cursor, undefined);
    const created = pages.flatMap(({ items }) => items.map(({ created_at }: { created_at: number }) => created_at));
    assert.deepEqual(
      created,
      [...created].sort((a, b) => b - a),
    );
    assert.deepEqual(
      (await list('symbol=ETHUSDT')).items.map(({ symbols }: { symbols: string[] }) => symbols),
      [['ETHUSDT']],
    );
    assert.equal((await list('status=loading&type=api_candles_5m')).items.length, 3);
    assert.equal((await list('status=finished')).items.length, 0);
    for (const [query, path] of [
      ['status=done', 'status'],
      ['limit=0', 'limit'],
      ['limit=1001', 'limit'],
      ['symbol=', 'symbol'],
    ]) {
      const answer = await own.call('GET', `/workflows?${query}`);
      assert.deepEqual([answer.status, answer.json().fields[0].path], [400, path]);
    }
  } finally {
    await own.close();
  }
});

test('a fact about a workflow of an older attempt is recorded and changes nothing', async () => {
  const id = await start();
  await served.call('POST', `/workflows/${id}/stop`);
  await served.fold();
  await served.call('POST', `/workflows/${id}/resume`);
  await served.fold();
  const before = await read(id);

  await served.append(saidBy('loader-producer', id, { status: 'error', stage: 'load', error: { code: 'timeout', message: 'late' } }));
  await served.fold();

  assert.deepEqual({ ...(await read(id)) }, before);
  const events = await served.stores.workflows.readEvents(id, 0, 100);
  assert.ok(events.some(({ event }) => (event.data as { status?: string }).status === 'error'));
});
