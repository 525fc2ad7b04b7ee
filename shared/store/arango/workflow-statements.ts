export const READ_WORKFLOW = 'FOR workflow IN workflows FILTER workflow._key == @key RETURN workflow';
export const FIND_BY_IDEMPOTENCY_KEY = 'FOR workflow IN workflows FILTER workflow.idempotency_key == @key RETURN workflow';
export const INSERT_WORKFLOW = 'INSERT @document INTO workflows OPTIONS { waitForSync: true }';

/** Newest first, those before `before` in the order of age. */
export const LIST_WORKFLOWS = `
  FOR workflow IN workflows
    FILTER @status == null OR workflow.status == @status
    FILTER @symbol == null OR @symbol IN workflow.symbols
    FILTER @type == null OR @type IN workflow.types
    FILTER [workflow.created_at, workflow.queue_id] < @before
    SORT workflow.created_at DESC, workflow.queue_id DESC LIMIT @limit
    RETURN workflow`;

/** What a commit has to know: the revisions, ours and the engine's, how many events there are, and which of the new ones are known. */
export const READ_STANDING = `
  RETURN {
    workflows: (FOR workflow IN workflows FILTER workflow._key IN @keys
      RETURN { key: workflow._key, engine_rev: workflow._rev, rev: workflow.rev, event_count: workflow.event_count }),
    events: (FOR event IN workflow_events FILTER event._key IN @events RETURN event._key)
  }`;

/**
 * All or none, under compare-and-set by `_rev` (absent: must not be stored). Shards and events belong to their workflow: whoever writes them raises its
 * revision, so that the numbers of the events, which were counted before, still hold.
 */
export const COMMIT_CHANGES = `
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
  RETURN LENGTH(stale) == 0`;

export const CLEAR_OUTBOX = `
  LET stale = (FOR sent IN @sent
    LET stored = FIRST(FOR known IN workflows FILTER known._key == sent._key RETURN known.rev)
    FILTER NOT_NULL(stored, 0) != sent.rev
    RETURN 1)
  LET emptied = (FOR sent IN LENGTH(stale) == 0 ? @sent : []
    UPDATE { _key: sent._key, outbox: [], rev: sent.rev + 1 } IN workflows OPTIONS { waitForSync: true }
    RETURN 1)
  RETURN LENGTH(stale) == 0`;

export const READ_VIEWS = `
  FOR workflow IN workflows FILTER workflow._key IN @keys
    RETURN { queue_id: workflow.queue_id, attempt: workflow.attempt, status: workflow.status }`;

export const READ_SHARDS = `
  FOR shard IN workflow_shards
    FILTER shard.queue_id == @queue_id
    FILTER @attempt == null OR shard.attempt == @attempt
    FILTER @status == null OR shard.status == @status
    SORT shard.shard LIMIT @limit
    RETURN UNSET(shard, "_key", "_id", "_rev")`;

export const READ_EVENTS = `
  FOR event IN workflow_events
    FILTER event.queue_id == @queue_id AND event.seq > @after
    SORT event.seq LIMIT @limit
    RETURN { queue_id: event.queue_id, seq: event.seq, event: event.event }`;

/** A document put under its key, whatever was there, and read again. */
export const PUT_DOCUMENT = 'INSERT @document INTO @@collection OPTIONS { overwriteMode: "replace", waitForSync: true }';
export const READ_DOCUMENT = 'FOR document IN @@collection FILTER document._key == @key RETURN UNSET(document, "_key", "_id", "_rev")';
