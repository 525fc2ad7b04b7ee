import assert from 'node:assert/strict';
import { rowKey } from '../../shared/domain/row-key.ts';
import type { Row } from '../../shared/domain/rows.ts';
import { parseSeriesId } from '../../shared/domain/series.ts';

/** Every row that exists, by key, as the simulator computes it from its source. */
export async function truthOf(simUrl: string, series: string, from: number, to: number): Promise<Map<string, Row>> {
  return readRows(`${simUrl}/_sim/truth?series=${encodeURIComponent(series)}&from=${from}&to=${to}`, series);
}

/** Every row that is stored, by key, through the reading API. */
export async function storedRows(hostUrl: string, series: string, from: number, to: number): Promise<Map<string, Row>> {
  const rows = new Map<string, Row>();
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const query: string = `from=${from}&to=${to}&limit=10000${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
    const response = await fetch(`${hostUrl}/series/${encodeURIComponent(series)}/rows?${query}`);
    assert.equal(response.status, 200, `${series}: ${response.status}`);
    const page = (await response.json()) as { rows: Row[]; cursor?: string };
    for (const row of page.rows) {
      const key = rowKey(parseSeriesId(series), row);
      assert.ok(!rows.has(key), `${series}: row ${key} came twice`);
      rows.set(key, row);
    }
    cursor = page.cursor;
  }
  return rows;
}

async function readRows(url: string, series: string): Promise<Map<string, Row>> {
  const response = await fetch(url);
  assert.equal(response.status, 200, `${url}: ${response.status}`);
  const parsed = parseSeriesId(series);
  const rows = new Map<string, Row>();
  for (const line of (await response.text()).split('\n')) {
    if (line === '') continue;
    const row = JSON.parse(line) as Row;
    rows.set(rowKey(parsed, row), row);
  }
  return rows;
}

/** Asserts that two sets of rows are equal, all fields: nothing missing, nothing extra, nothing changed. `revision` is bookkeeping and left out. */
export function assertSameRows(stored: ReadonlyMap<string, Row>, truth: ReadonlyMap<string, Row>, what: string): void {
  const missing = [...truth.keys()].filter((key) => !stored.has(key));
  const extra = [...stored.keys()].filter((key) => !truth.has(key));
  assert.deepEqual(
    { missing: missing.slice(0, 5), extra: extra.slice(0, 5), count: stored.size },
    { missing: [], extra: [], count: truth.size },
    what,
  );
  for (const [key, row] of truth) {
    const { revision: _, ...content } = stored.get(key) as Row & { revision?: number };
    assert.deepEqual(content, row, `${what}: row ${key}`);
  }
}

/** Asserts that the store holds exactly what the exchange has of these series, and returns how many rows that are. */
export async function assertTruth(hostUrl: string, simUrl: string, series: readonly string[], from: number, to: number): Promise<number> {
  let count = 0;
  for (const id of series) {
    const truth = await truthOf(simUrl, id, from, to);
    assertSameRows(await storedRows(hostUrl, id, from, to), truth, id);
    count += truth.size;
  }
  return count;
}
