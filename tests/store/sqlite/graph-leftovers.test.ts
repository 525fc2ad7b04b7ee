import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { aGraph, contentOf, documentOf } from '../../support/graphs.ts';
import { killMidWrite } from '../../support/kill-mid-write.ts';
import { sqlitePlace } from '../../support/places.ts';

test('what a killed build left in the file is cleaned away when the next one begins', async () => {
  const place = await sqlitePlace();
  await killMidWrite('write-graph.ts', place, 1);
  const blocks = () => {
    const database = new DatabaseSync(join(place.location, 'store.db'), { readOnly: true });
    const count = (table: string) => database.prepare(`SELECT count(*) AS n, count(DISTINCT build) AS builds FROM ${table}`).get();
    const found = {
      nodes: count('mg_nodes'),
      edges: count('mg_edges'),
      open: database.prepare('SELECT count(*) AS n FROM mg_builds').get()?.n,
    };
    database.close();
    return JSON.stringify(found);
  };
  assert.equal(blocks(), '{"nodes":{"n":9,"builds":1},"edges":{"n":9,"builds":1},"open":1}');
  const { graphs } = await place.open();
  const graph = aGraph(50);

  await graphs.writeGraph(documentOf('a'.repeat(64), graph), contentOf(graph));

  assert.equal(blocks(), '{"nodes":{"n":1,"builds":1},"edges":{"n":4,"builds":1},"open":0}');
  await place.remove();
});
