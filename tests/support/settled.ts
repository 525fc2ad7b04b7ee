import assert from 'node:assert/strict';
import type { ApiClient } from '../../shared/cli/client.ts';
import type { Coverage } from '../../shared/domain/coverage.ts';
import { eventually } from './eventually.ts';

/** What `GET /bus/topics` answers. */
export interface BusView {
  readonly topics: readonly {
    readonly name: string;
    readonly records: number;
    readonly offsets: readonly { readonly partition: number; readonly begin: number; readonly end: number }[];
  }[];
  readonly lags: readonly { readonly group: string; readonly topic: string; readonly lag: number }[];
}

export async function busView(client: ApiClient): Promise<BusView> {
  return client.get<BusView>('/bus/topics');
}

/** The end of every partition of every topic: what was ever sent. */
export function endsOf(view: BusView): Record<string, readonly number[]> {
  return Object.fromEntries(view.topics.map(({ name, offsets }) => [name, offsets.map(({ end }) => end)]));
}

/** Records in dead-letter topics, by topic, where there are any. */
export function deadLettersOf(view: BusView): Record<string, number> {
  return Object.fromEntries(
    view.topics.filter(({ name, records }) => name.endsWith('.dlq') && records > 0).map((topic) => [topic.name, topic.records]),
  );
}

/** Asserts that every group has read everything, soon, and that nothing was dead-lettered. */
export async function assertSettled(client: ApiClient, deadlineMs = 10_000): Promise<void> {
  const view = await eventually(
    async () => {
      const now = await busView(client);
      assert.deepEqual(
        now.lags.filter(({ lag }) => lag > 0),
        [],
        'no group has lag',
      );
      return now;
    },
    { deadlineMs, what: 'every group has read everything' },
  );
  assert.ok(view.lags.length > 0, 'there are groups');
  assert.deepEqual(deadLettersOf(view), {}, 'no dead letters');
}

/** Asserts that the ledger has every series complete in the range, without any hole. */
export async function assertComplete(client: ApiClient, series: readonly string[], from: number, to: number): Promise<void> {
  for (const id of series) {
    const { complete, holes } = await client.get<Coverage>(`/coverage/${encodeURIComponent(id)}?from=${from}&to=${to}`);
    assert.deepEqual({ complete, holes }, { complete: true, holes: [] }, id);
  }
}
