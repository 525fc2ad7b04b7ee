import { ALL_QUERIES } from './aql/all-queries.ts';
import { type Bind, QueryList } from './aql.ts';
import type { Attributes, Collection } from './collection.ts';
import type { Batch, DoubleDatabase, EdgeDefinition } from './double-database.ts';
import { type Answer, answer, bodyOf, checkAttributes, checkQuery, flagOf, type HttpCall, readJson } from './http-call.ts';
import { badParameter, Refusal } from './refusal.ts';

/** Documented options of a query; the double takes all of them and heeds `stream` alone. */
const QUERY_OPTIONS = [
  ...['fullCount', 'fillBlockCache', 'maxNumberOfPlans', 'maxNodesPerCallstack', 'maxWarningCount', 'failOnWarning', 'allowRetry'],
  ...['stream', 'cache', 'usePlanCache', 'spillOverThresholdMemoryUsage', 'spillOverThresholdNumRows', 'optimizer', 'profile'],
  ...['satelliteSyncWait', 'maxRuntime', 'maxDNFConditionMembers', 'maxTransactionSize', 'intermediateCommitSize'],
  ...['intermediateCommitCount', 'skipInaccessibleCollections'],
];
const COLLECTION_ATTRIBUTES = [
  ...['name', 'type', 'waitForSync', 'isSystem', 'schema', 'computedValues', 'keyOptions', 'cacheEnabled', 'numberOfShards', 'shardKeys'],
  ...['replicationFactor', 'writeConcern', 'distributeShardsLike', 'shardingStrategy', 'smartJoinAttribute', 'isSmart'],
];
const INDEX_ATTRIBUTES = [
  ...['type', 'name', 'fields', 'storedValues', 'unique', 'sparse', 'deduplicate', 'estimates', 'cacheEnabled', 'inBackground'],
];
const DEFAULT_BATCH = 1_000;
const DEFAULT_TTL_SECONDS = 30;
const EDGES = 3;

const queries = new QueryList(ALL_QUERIES);

/** Calls inside one database. Answers undefined for a path that ArangoDB has not, or that the adapter has no need of. */
export function answerInDatabase(database: DoubleDatabase, call: HttpCall): Answer | undefined {
  const { method, path } = call;
  const [, area, name, ...rest] = path.split('/').slice(1).map(decodeURIComponent);
  if (!path.startsWith('/_api/')) return undefined;
  switch (`${method} ${area}${name === undefined ? '' : '/:'}${rest.map((part) => `/${part}`).join('')}`) {
    case 'GET version':
      checkQuery(call, 'details');
      return answer(200, { server: 'arango', license: 'community', version: '3.12.0-double' });
    case 'GET database/:':
      if (name !== 'current') return undefined;
      return answer(200, { result: { name: database.name, id: '1', isSystem: database.name === '_system' } });
    case 'POST collection':
      return createCollection(database, call);
    case 'PUT collection/:/truncate':
      checkQuery(call, 'waitForSync', 'compact');
      database.collection(name as string).truncate();
      return answer(200, describeCollection(database.collection(name as string)));
    case 'POST index':
      return createIndex(database, call);
    case 'POST gharial':
      return createGraph(database, call);
    case 'POST import':
      return importDocuments(database, call);
    case 'POST cursor':
      return openCursor(database, call);
    case 'POST cursor/:':
      checkQuery(call);
      return toBatch(200, database.nextBatch(name as string));
    case 'DELETE cursor/:':
      checkQuery(call);
      database.dropCursor(name as string);
      return answer(202, { id: name });
    default:
      return undefined;
  }
}

function describeCollection(collection: Collection): Readonly<Record<string, unknown>> {
  return { id: collection.name, name: collection.name, type: collection.isEdges ? EDGES : 2, status: 3, isSystem: false };
}

function createCollection(database: DoubleDatabase, call: HttpCall): Answer {
  checkQuery(call, 'waitForSyncReplication', 'enforceReplicationFactor');
  const { name, type = 2 } = bodyOf(call, ...COLLECTION_ATTRIBUTES);
  if (typeof name !== 'string' || (type !== 2 && type !== EDGES)) throw badParameter('a collection has a name and is of type 2 or 3');
  return answer(200, describeCollection(database.createCollection(name, type === EDGES)));
}

function createIndex(database: DoubleDatabase, call: HttpCall): Answer {
  checkQuery(call, 'collection');
  const { type, fields, unique = false, sparse = false, name } = bodyOf(call, ...INDEX_ATTRIBUTES);
  if (type !== 'persistent' || !Array.isArray(fields) || fields.length === 0) throw badParameter('the double has persistent indexes alone');
  const collection = database.collection(call.query.get('collection') ?? '');
  const { index, isNew } = collection.ensureIndex(fields as string[], unique === true, sparse === true, name as string | undefined);
  return answer(isNew ? 201 : 200, { ...index, type, isNewlyCreated: isNew });
}

function createGraph(database: DoubleDatabase, call: HttpCall): Answer {
  checkQuery(call, 'waitForSync');
  const { name, edgeDefinitions = [] } = bodyOf(call, 'name', 'edgeDefinitions', 'orphanCollections', 'isSmart', 'isDisjoint', 'options');
  if (typeof name !== 'string') throw badParameter('a graph has a name');
  const definitions = edgeDefinitions as readonly EdgeDefinition[];
  for (const definition of definitions) checkAttributes({ ...definition }, call.path, ['collection', 'from', 'to']);
  database.createGraph(name, definitions);
  return answer(flagOf(call, 'waitForSync') ? 201 : 202, {
    graph: { _key: name, name, edgeDefinitions: definitions, orphanCollections: [] },
  });
}

function importDocuments(database: DoubleDatabase, call: HttpCall): Answer {
  checkQuery(
    call,
    ...['collection', 'type', 'ignoreMissing', 'fromPrefix', 'toPrefix', 'overwriteCollectionPrefix', 'overwrite'],
    ...['waitForSync', 'onDuplicate', 'complete', 'details'],
  );
  for (const name of ['ignoreMissing', 'overwriteCollectionPrefix', 'overwrite', 'complete'])
    if (flagOf(call, name)) throw badParameter(`the double does not know ${name}`);
  if (call.query.get('type') !== 'documents') throw badParameter('the double imports lines of documents');
  const collection = database.collection(call.query.get('collection') ?? '');
  const onDuplicate = call.query.get('onDuplicate') ?? 'error';
  if (!['error', 'replace', 'ignore'].includes(onDuplicate)) throw badParameter(`onDuplicate cannot be ${onDuplicate}`);
  const [from, to] = [call.query.get('fromPrefix'), call.query.get('toPrefix')];
  const counts = { created: 0, errors: 0, empty: 0, updated: 0, ignored: 0 };
  const details: string[] = [];
  database.transact(() => {
    for (const [position, line] of call.body.split('\n').entries()) {
      if (line === '') {
        counts.empty += 1;
        continue;
      }
      let document = readJson(line) as Attributes;
      if (collection.isEdges) document = { ...document, _from: prefixed(document._from, from), _to: prefixed(document._to, to) };
      if (typeof document._key !== 'string') throw badParameter('the double generates no keys');
      const stored = collection.get(document._key);
      if (stored === undefined) {
        collection.put(document);
        counts.created += 1;
      } else if (onDuplicate === 'replace') {
        collection.put(document);
        counts.updated += 1;
      } else if (onDuplicate === 'ignore') counts.ignored += 1;
      else {
        counts.errors += 1;
        details.push(
          `at position ${position}: creating document failed with error 'unique constraint violated', offending document: ${line}`,
        );
      }
    }
  });
  // A trailing line break ends the last line; it is no empty line of its own.
  if (call.body.endsWith('\n')) counts.empty -= 1;
  return { status: 201, text: JSON.stringify({ error: false, ...counts, ...(flagOf(call, 'details') ? { details } : {}) }) };
}

const prefixed = (key: unknown, prefix: string | null): unknown =>
  typeof key === 'string' && prefix !== null && !key.includes('/') ? `${prefix}/${key}` : key;

function openCursor(database: DoubleDatabase, call: HttpCall): Answer {
  checkQuery(call);
  const body = bodyOf(call, 'query', 'count', 'batchSize', 'ttl', 'memoryLimit', 'bindVars', 'options');
  const { query, batchSize = DEFAULT_BATCH, ttl = DEFAULT_TTL_SECONDS, bindVars = {}, options = {} } = body;
  if (typeof query !== 'string' || query.trim() === '') throw new Refusal(400, 1502, 'query is empty');
  if (!Number.isSafeInteger(batchSize) || (batchSize as number) <= 0) throw badParameter('batchSize is a whole number above 0');
  if (typeof ttl !== 'number' || ttl <= 0) throw badParameter('ttl is a number of seconds');
  checkAttributes(options as Record<string, unknown>, 'options', QUERY_OPTIONS);
  const rows = queries.run(database, query, bindVars as Bind);
  return toBatch(201, database.firstBatch(rows, batchSize as number, ttl));
}

function toBatch(status: number, { rows, id }: Batch): Answer {
  const more = id === undefined ? '"hasMore":false' : `"hasMore":true,"id":"${id}","nextBatchId":2`;
  return { status, text: `{"result":[${rows.join(',')}],${more},"cached":false,"error":false,"code":${status}}` };
}
