import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { assertSettled } from '../support/settled.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { assertTruth } from '../support/truth.ts';
import { assertSameLines, RANGES, REQUESTS } from './recorded-lines.ts';
import { type Recorded, writeRecordings } from './recording-files.ts';

/** What the exchange does to every kind of page, and what shows that it did. */
const FAULTS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'case 6: a 429 with Retry-After': { do: 'status', status: 429, headers: { 'Retry-After': '1' } },
  'case 10: a 503 twice in a row': { do: 'status', status: 503, times: 2 },
  'case 12: a reset in the middle of a body': { do: 'reset', after_bytes: 3_000, times: 2 },
  'case 13: half a page with status 200': { do: 'truncate', after_bytes: 3_000, times: 2 },
  'case 15: rows left out inside': { do: 'drop', rows: [3, 90] },
  'case 15: rows left out at the end': { do: 'drop', rows: [90, 1_000] },
  'case 2: a page twice in one answer': { do: 'duplicate' },
  'case 2: the page before once more': { do: 'duplicate', of: 'previous' },
  'case 14: a body that drips': { do: 'delay', ms: 2, per_chunk: 2_000 },
};
const PAGES = ['/api/v3/klines', '/api/v3/aggTrades', '/api/v3/historicalTrades'];

let root = '';
let recorded: Recorded;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'streamforge-recordings-'));
  recorded = await writeRecordings(join(root, 'recording'));
});
after(() => rm(root, { recursive: true, force: true }));

/** Loads all of it: three workflows side by side. */
async function load(stack: Stack): Promise<void> {
  const views = await Promise.all(REQUESTS.map((request) => stack.runWorkflow(request)));
  for (const { queue_id, status, error } of views)
    assert.deepEqual({ queue_id, status, error }, { queue_id, status: 'finished', error: undefined });
}

describe('recordings', () => {
  for (const [name, fault] of Object.entries(FAULTS)) {
    test(`${name}: recordings load whole and come back as their files say`, async () => {
      const stack = await startStack({ simulator: { recording: recorded.dir } });
      try {
        await stack.fault(PAGES.flatMap((path) => [2, 5].map((nth) => ({ on: 'rest', match: { path, nth }, ...fault }))));

        await load(stack);

        const served = (await (await fetch(`${stack.simulator.rest}/_sim/faults`)).json()) as { match: { path: string }; served: number }[];
        for (const path of PAGES)
          assert.ok(
            served.some((each) => each.match.path === path && each.served > 0),
            `${path} met the fault`,
          );
        for (const [series, { from, to }] of Object.entries(RANGES)) {
          const { text } = await stack.client.text(`/series/${encodeURIComponent(series)}/rows?format=csv&time_unit=us&limit=10000`);
          assertSameLines(recorded, series, text, 'us');
          await assertTruth(stack.host.url, stack.simulator.rest, [series], from, to);
        }
        await assertSettled(stack.client);
      } finally {
        await stack.stop();
      }
    });
  }
});
