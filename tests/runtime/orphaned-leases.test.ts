import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { endOrphanedLeases } from '../../shared/runtime/orphaned-leases.ts';
import { openSqliteStore } from '../../shared/store/sqlite/open-sqlite-store.ts';

test('leases that a dead process left behind are over at once; what is done stays done, what has expired stays as it is', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'sf-leases-'));
  const { workflows, close } = await openSqliteStore({ dir });
  t.after(async () => {
    await close();
    await rm(dir, { recursive: true });
  });
  const now = 1_000_000;
  await workflows.acquireClaim('fetch:a', 'dead', now - 10, 60_000);
  await workflows.acquireClaim('train:b', 'dead', now - 10, 60_000);
  await workflows.acquireClaim('fetch:done', 'dead', now - 10, 60_000);
  await workflows.releaseClaim('fetch:done', 'dead', true);
  await workflows.acquireClaim('fetch:old', 'dead', now - 60_000, 10);

  const ended = await endOrphanedLeases(workflows, now);

  assert.equal(ended, 2);
  assert.equal((await workflows.acquireClaim('fetch:a', 'next', now, 60_000)).granted, true);
  assert.deepEqual(
    (await workflows.expiredClaims('train:', now)).map(({ key }) => key),
    ['train:b'],
  );
  assert.equal((await workflows.readClaim('fetch:old'))?.until, now - 59_990);
  assert.equal((await workflows.acquireClaim('fetch:done', 'next', now, 60_000)).granted, false);
  assert.equal(await endOrphanedLeases(workflows, now), 1, 'a claim of the living is not spared: whoever calls must be alone');
});
