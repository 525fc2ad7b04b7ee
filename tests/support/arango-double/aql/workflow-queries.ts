import { compareValues, limitOf, type Meaning, numberOf, objectsOf, textOf, textsOf } from '../aql.ts';
import { type Attributes, type Stored, whole } from '../collection.ts';
import type { DoubleDatabase } from '../double-database.ts';
import { exactJson } from '../exact-json.ts';
import { conflict } from '../refusal.ts';

const wholeText = (database: DoubleDatabase, name: string, stored: Stored): string => exactJson(whole(database.collection(name), stored));
const isAny = (asked: unknown, value: unknown): boolean => asked === null || asked === value;

/** Queries of workflows, their shards, events and saved selections. */
export const WORKFLOW_QUERIES: readonly Meaning[] = [
  {
    text: 'FOR workflow IN workflows FILTER workflow._key == @key RETURN workflow',
    run(database, bind) {
      const stored = database.collection('workflows').get(textOf(bind, 'key'));
      return stored === undefined ? [] : [wholeText(database, 'workflows', stored)];
    },
  },
  {
    text: 'FOR workflow IN workflows FILTER workflow.idempotency_key == @key RETURN workflow',
    run: (database, bind) =>
      database
        .collection('workflows')
        .find('idempotency_key = ?', textOf(bind, 'key'))
        .map((stored) => wholeText(database, 'workflows', stored)),
  },
  {
    text: 'INSERT @document INTO workflows OPTIONS { waitForSync: true }',
    run(database, bind) {
      database.collection('workflows').insert(bind.document as Attributes);
      return [];
    },
  },
  {
    text: `
      FOR workflow IN workflows
        FILTER @status == null OR workflow.status == @status
        FILTER @symbol == null OR @symbol IN workflow.symbols
        FILTER @type == null OR @type IN workflow.types
        FILTER [workflow.created_at, workflow.queue_id] < @before
        SORT workflow.created_at DESC, workflow.queue_id DESC LIMIT @limit
        RETURN workflow`,
    run(database, bind) {
      const [time, id] = bind.before as [number, string];
      const found = database
        .collection('workflows')
        .find('(created_at, queue_id) < (?, ?) ORDER BY created_at DESC, queue_id DESC', time, id)
        .filter(({ attributes: { status, symbols, types } }) => {
          const hasSymbol = bind.symbol === null || (symbols as unknown[]).includes(bind.symbol);
          return isAny(bind.status, status) && hasSymbol && (bind.type === null || (types as unknown[]).includes(bind.type));
        });
      return found.slice(0, limitOf(bind, 'limit')).map((stored) => wholeText(database, 'workflows', stored));
    },
  },
  {
    text: `
      RETURN {
        workflows: (FOR workflow IN workflows FILTER workflow._key IN @keys
          RETURN { key: workflow._key, engine_rev: workflow._rev, rev: workflow.rev, event_count: workflow.event_count }),
        events: (FOR event IN workflow_events FILTER event._key IN @events RETURN event._key)
      }`,
    run(database, bind) {
      const workflows = textsOf(bind, 'keys').flatMap((key) => {
        const stored = database.collection('workflows').get(key);
        if (stored === undefined) return [];
        return [{ key, engine_rev: stored._rev, rev: stored.attributes.rev, event_count: stored.attributes.event_count }];
      });
      const events = textsOf(bind, 'events').filter((key) => database.collection('workflow_events').get(key) !== undefined);
      return [JSON.stringify({ workflows, events })];
    },
  },
  {
    text: `
      LET stale = (FOR document IN @documents
        LET stored = FIRST(FOR known IN workflows FILTER known._key == document._key RETURN known._rev)
        FILTER stored != document._rev
        RETURN 1)
      LET documents = (FOR document IN LENGTH(stale) == 0 ? @documents : []
        UPSERT { _key: document._key } INSERT UNSET(document, "_rev") REPLACE document IN workflows
          OPTIONS { ignoreRevs: false, waitForSync: true }
        RETURN 1)
      LET shards = (FOR shard IN LENGTH(stale) == 0 ? @shards : []
        INSERT shard INTO workflow_shards OPTIONS { overwriteMode: "replace", waitForSync: true }
        RETURN 1)
      LET events = (FOR event IN LENGTH(stale) == 0 ? @events : []
        INSERT event INTO workflow_events OPTIONS { overwriteMode: "ignore", waitForSync: true }
        RETURN 1)
      RETURN LENGTH(stale) == 0`,
    run(database, bind) {
      const workflows = database.collection('workflows');
      const documents = objectsOf(bind, 'documents');
      if (documents.some(({ _key, _rev = null }) => (workflows.get(_key as string)?._rev ?? null) !== _rev)) return ['false'];
      for (const document of documents) {
        const stored = workflows.get(document._key as string);
        if (stored === undefined) workflows.insert(document);
        else if (stored._rev !== document._rev) throw conflict(stored._key);
        else workflows.put(document);
      }
      for (const shard of objectsOf(bind, 'shards')) database.collection('workflow_shards').put(shard);
      const events = database.collection('workflow_events');
      for (const event of objectsOf(bind, 'events')) if (events.get(event._key as string) === undefined) events.insert(event);
      return ['true'];
    },
  },
  {
    text: `
      LET stale = (FOR sent IN @sent
        LET stored = FIRST(FOR known IN workflows FILTER known._key == sent._key RETURN known.rev)
        FILTER NOT_NULL(stored, 0) != sent.rev
        RETURN 1)
      LET emptied = (FOR sent IN LENGTH(stale) == 0 ? @sent : []
        UPDATE { _key: sent._key, outbox: [], rev: sent.rev + 1 } IN workflows OPTIONS { waitForSync: true }
        RETURN 1)
      RETURN LENGTH(stale) == 0`,
    run(database, bind) {
      const workflows = database.collection('workflows');
      const sent = objectsOf(bind, 'sent').map(({ _key, rev }) => ({ stored: workflows.get(_key as string), rev: rev as number }));
      if (sent.some(({ stored, rev }) => (stored?.attributes.rev ?? 0) !== rev)) return ['false'];
      for (const { stored, rev } of sent)
        if (stored !== undefined) workflows.put({ _key: stored._key, ...stored.attributes, outbox: [], rev: rev + 1 });
      return ['true'];
    },
  },
  {
    text: `
      FOR workflow IN workflows FILTER workflow._key IN @keys
        RETURN { queue_id: workflow.queue_id, attempt: workflow.attempt, status: workflow.status }`,
    run: (database, bind) =>
      [...new Set(textsOf(bind, 'keys'))].flatMap((key) => {
        const { queue_id, attempt, status } = database.collection('workflows').get(key)?.attributes ?? {};
        return queue_id === undefined ? [] : [JSON.stringify({ queue_id, attempt, status })];
      }),
  },
  {
    text: `
      FOR shard IN workflow_shards
        FILTER shard.queue_id == @queue_id
        FILTER @attempt == null OR shard.attempt == @attempt
        FILTER @status == null OR shard.status == @status
        SORT shard.shard LIMIT @limit
        RETURN UNSET(shard, "_key", "_id", "_rev")`,
    run: (database, bind) =>
      database
        .collection('workflow_shards')
        .find('queue_id = ?', textOf(bind, 'queue_id'))
        .map(({ attributes }) => attributes)
        .filter(({ attempt, status }) => isAny(bind.attempt, attempt) && isAny(bind.status, status))
        .sort((a, b) => compareValues(a.shard, b.shard))
        .slice(0, limitOf(bind, 'limit'))
        .map(exactJson),
  },
  {
    text: `
      FOR event IN workflow_events
        FILTER event.queue_id == @queue_id AND event.seq > @after
        SORT event.seq LIMIT @limit
        RETURN { queue_id: event.queue_id, seq: event.seq, event: event.event }`,
    run(database, bind) {
      const bounds = [textOf(bind, 'queue_id'), numberOf(bind, 'after'), limitOf(bind, 'limit')] as const;
      return database
        .collection('workflow_events')
        .find('queue_id = ? AND seq > ? ORDER BY seq LIMIT ?', ...bounds)
        .map(({ attributes: { queue_id, seq, event } }) => exactJson({ queue_id, seq, event }));
    },
  },
];
