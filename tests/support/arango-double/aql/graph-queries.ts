import { limitOf, type Meaning, numberOf, textOf, textsOf } from '../aql.ts';
import type { Attributes } from '../collection.ts';
import type { DoubleDatabase } from '../double-database.ts';
import { exactJson } from '../exact-json.ts';
import { badParameter, Refusal } from '../refusal.ts';

/** The keys of the vertices from which `start` is reached over at most so many edges, without itself. */
function reachedFrom(database: DoubleDatabase, start: string, hops: number, edges: readonly string[]): Set<string> {
  const seen = new Set([start]);
  let frontier = [start];
  for (let hop = 0; hop < hops && frontier.length > 0; hop += 1) {
    const next = new Set<string>();
    for (const name of edges) {
      const collection = database.collection(name);
      if (!collection.isEdges) throw badParameter(`${name} holds no edges`);
      const senders = collection.statement(`SELECT _from FROM "${name}" WHERE _to = ?`);
      for (const vertex of frontier) for (const { _from } of senders.all(vertex)) if (!seen.has(_from as string)) next.add(_from as string);
    }
    for (const vertex of next) seen.add(vertex);
    frontier = [...next];
  }
  seen.delete(start);
  return seen;
}

/** Queries of graphs and models. */
export const GRAPH_QUERIES: readonly Meaning[] = [
  {
    text: 'INSERT { _key: @build, graph_id: @graph_id, renewed_at: DATE_NOW() } INTO mg_builds OPTIONS { waitForSync: true }',
    run(database, bind) {
      database.collection('mg_builds').insert({ _key: textOf(bind, 'build'), graph_id: textOf(bind, 'graph_id'), renewed_at: Date.now() });
      return [];
    },
  },
  {
    text: `
      FOR build IN mg_builds FILTER build._key == @build
        UPDATE build WITH { renewed_at: DATE_NOW() } IN mg_builds OPTIONS { waitForSync: true }
        RETURN 1`,
    run(database, bind) {
      const builds = database.collection('mg_builds');
      const stored = builds.get(textOf(bind, 'build'));
      if (stored === undefined) return [];
      builds.put({ _key: stored._key, ...stored.attributes, renewed_at: Date.now() });
      return ['1'];
    },
  },
  {
    text: 'FOR build IN mg_builds FILTER build.renewed_at < DATE_NOW() - @lease RETURN build._key',
    run: (database, bind) =>
      database
        .collection('mg_builds')
        .find('renewed_at < ?', Date.now() - numberOf(bind, 'lease'))
        .map(({ _key }) => JSON.stringify(_key)),
  },
  {
    text: 'FOR build IN mg_builds FILTER build._key == @build REMOVE build IN mg_builds OPTIONS { waitForSync: true }',
    run(database, bind) {
      database.collection('mg_builds').remove(textOf(bind, 'build'));
      return [];
    },
  },
  {
    text: 'FOR part IN @@parts FILTER part.build == @build LIMIT @limit REMOVE part IN @@parts OPTIONS { waitForSync: true } RETURN 1',
    run(database, bind) {
      const parts = database.collection(textOf(bind, '@parts'));
      const found = parts.find('build = ? LIMIT ?', textOf(bind, 'build'), limitOf(bind, 'limit'));
      for (const { _key } of found) parts.remove(_key);
      return found.map(() => '1');
    },
  },
  {
    text: `
      LET registered = (FOR build IN mg_builds FILTER build._key == @document.build
        REMOVE build IN mg_builds OPTIONS { waitForSync: true }
        RETURN 1)
      FOR document IN LENGTH(registered) == 1 ? [@document] : []
        INSERT document INTO mg_graphs OPTIONS { waitForSync: true }
        RETURN 1`,
    run(database, bind) {
      const document = bind.document as Attributes;
      const builds = database.collection('mg_builds');
      if (builds.get(document.build as string) === undefined) return [];
      builds.remove(document.build as string);
      database.collection('mg_graphs').insert(document);
      return ['1'];
    },
  },
  {
    text: 'FOR graph_build IN mg_graphs SORT graph_build.created_at DESC, graph_build._key RETURN UNSET(graph_build, "_key", "_id", "_rev", "build")',
    run: (database) =>
      database
        .collection('mg_graphs')
        .find('true ORDER BY created_at DESC, _key')
        .map(({ attributes: { build: _, ...document } }) => exactJson(document)),
  },
  {
    text: 'FOR node IN mg_nodes FILTER node.build == @build SORT node.ord RETURN UNSET(node, "_key", "_id", "_rev", "build")',
    run: (database, bind) =>
      database
        .collection('mg_nodes')
        .find('build = ? ORDER BY ord', textOf(bind, 'build'))
        .map(({ attributes: { build: _, ...node } }) => exactJson(node)),
  },
  {
    text: `
      FOR edge IN @@edges FILTER edge.build == @build SORT edge.n
        RETURN UNSET(edge, "_key", "_id", "_rev", "_from", "_to", "build", "n")`,
    run: (database, bind) =>
      database
        .collection(textOf(bind, '@edges'))
        .find('build = ? ORDER BY n', textOf(bind, 'build'))
        .map(({ attributes: { build: _, n: __, _from: ___, _to: ____, ...edge } }) => exactJson(edge)),
  },
  {
    text: `
      FOR node IN 1..@hops INBOUND @start GRAPH "market"
        OPTIONS { order: "bfs", uniqueVertices: "global", edgeCollections: @edges }
        FILTER node != null
        RETURN node.ord`,
    run(database, bind) {
      if (!database.graphs.has('market')) throw new Refusal(404, 1924, 'graph not found');
      const nodes = database.collection('mg_nodes');
      const reached = reachedFrom(database, textOf(bind, 'start'), numberOf(bind, 'hops'), textsOf(bind, 'edges'));
      return [...reached].flatMap((id) => {
        const node = nodes.get(id.slice('mg_nodes/'.length));
        return node === undefined ? [] : [String(node.attributes.ord)];
      });
    },
  },
  {
    text: `
      FOR model IN gnn_models
        FILTER @task == null OR model.task == @task
        SORT model.created_at DESC, model.model_id DESC LIMIT @limit
        RETURN UNSET(model, "_key", "_id", "_rev")`,
    run: (database, bind) =>
      database
        .collection('gnn_models')
        .find('true ORDER BY created_at DESC, model_id DESC')
        .map(({ attributes }) => attributes)
        .filter(({ task }) => bind.task === null || task === bind.task)
        .slice(0, limitOf(bind, 'limit'))
        .map(exactJson),
  },
];
