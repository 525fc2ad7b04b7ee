import { compareValues, limitOf, type Meaning, numberOf, objectsOf, textOf } from '../aql.ts';
import type { Attributes } from '../collection.ts';
import { exactJson } from '../exact-json.ts';

/** Queries of claims, deliveries, dead letters, and of documents that are put and read by their key. */
export const CLAIM_QUERIES: readonly Meaning[] = [
  {
    text: `
      LET held = FIRST(FOR claim IN claims FILTER claim._key == @wanted._key RETURN claim)
      LET taken = (FOR claim IN held != null AND (held.done OR (held.until > @now AND held.token != @wanted.token)) ? [] : [@wanted]
        INSERT claim INTO claims OPTIONS { overwriteMode: "replace", waitForSync: true }
        RETURN 1)
      RETURN { granted: LENGTH(taken) == 1, held }`,
    run(database, bind) {
      const claims = database.collection('claims');
      const wanted = bind.wanted as Attributes;
      const held = claims.get(wanted._key as string)?.attributes;
      const granted =
        held === undefined || !(held.done === true || ((held.until as number) > numberOf(bind, 'now') && held.token !== wanted.token));
      if (granted) claims.put(wanted);
      return [exactJson({ granted, held: held ?? null })];
    },
  },
  {
    text: `
      FOR claim IN claims
        FILTER claim._key == @key AND claim.token == @token AND claim.done == false
        UPDATE claim WITH { until: @until } IN claims OPTIONS { waitForSync: true }
        RETURN 1`,
    run(database, bind) {
      const claims = database.collection('claims');
      const stored = claims.get(textOf(bind, 'key'));
      if (stored?.attributes.token !== textOf(bind, 'token') || stored.attributes.done !== false) return [];
      claims.put({ _key: stored._key, ...stored.attributes, until: numberOf(bind, 'until') });
      return ['1'];
    },
  },
  {
    text: `
      FOR claim IN claims
        FILTER claim._key == @key AND claim.token == @token
        UPDATE claim WITH { done: true } IN claims OPTIONS { waitForSync: true }
        RETURN 1`,
    run(database, bind) {
      const claims = database.collection('claims');
      const stored = claims.get(textOf(bind, 'key'));
      if (stored?.attributes.token !== textOf(bind, 'token')) return [];
      claims.put({ _key: stored._key, ...stored.attributes, done: true });
      return ['1'];
    },
  },
  {
    text: `
      FOR claim IN claims
        FILTER claim._key == @key AND claim.token == @token AND claim.done == false
        REMOVE claim IN claims OPTIONS { waitForSync: true }
        RETURN 1`,
    run(database, bind) {
      const claims = database.collection('claims');
      const stored = claims.get(textOf(bind, 'key'));
      if (stored?.attributes.token !== textOf(bind, 'token') || stored.attributes.done !== false) return [];
      claims.remove(stored._key);
      return ['1'];
    },
  },
  {
    text: `
      FOR claim IN claims
        FILTER claim.until <= @now AND claim.done == false AND STARTS_WITH(claim.key, @prefix)
        SORT claim.key
        RETURN claim`,
    run: (database, bind) =>
      database
        .collection('claims')
        .find('until <= ?', numberOf(bind, 'now'))
        .map(({ attributes }) => attributes)
        .filter(({ done, key }) => done === false && (key as string).startsWith(textOf(bind, 'prefix')))
        .sort((a, b) => compareValues(a.key, b.key))
        .map(exactJson),
  },
  {
    text: 'FOR claim IN claims FILTER claim.until < @before LIMIT @limit REMOVE claim IN claims OPTIONS { waitForSync: true } RETURN 1',
    run(database, bind) {
      const claims = database.collection('claims');
      const old = claims.find('until < ? LIMIT ?', numberOf(bind, 'before'), limitOf(bind, 'limit'));
      for (const { _key } of old) claims.remove(_key);
      return old.map(() => '1');
    },
  },
  {
    text: `
      UPSERT { _key: @delivery._key }
        INSERT MERGE(@delivery, { tries: 1 })
        UPDATE { tries: OLD.tries + 1, error: @delivery.error, at: @delivery.at } IN deliveries
        OPTIONS { waitForSync: true }
      RETURN NEW.tries`,
    run(database, bind) {
      const deliveries = database.collection('deliveries');
      const delivery = bind.delivery as Attributes;
      const tries = ((deliveries.get(delivery._key as string)?.attributes.tries as number | undefined) ?? 0) + 1;
      deliveries.put({ ...delivery, tries });
      return [String(tries)];
    },
  },
  {
    text: 'FOR delivery IN deliveries FILTER delivery._key == @key REMOVE delivery IN deliveries OPTIONS { waitForSync: true }',
    run(database, bind) {
      database.collection('deliveries').remove(textOf(bind, 'key'));
      return [];
    },
  },
  {
    text: `
      LET last = FIRST(FOR letter IN dead_letters SORT letter.seq DESC LIMIT 1 RETURN letter.seq)
      FOR letter IN @letters
        LET stored = FIRST(FOR known IN dead_letters FILTER known._key == letter._key RETURN known.seq)
        INSERT MERGE(letter, { seq: NOT_NULL(stored, last + letter.seq) }) INTO dead_letters
          OPTIONS { overwriteMode: "replace", waitForSync: true }`,
    run(database, bind) {
      const letters = database.collection('dead_letters');
      const last = (letters.find('true ORDER BY seq DESC LIMIT 1')[0]?.attributes.seq as number | undefined) ?? 0;
      const places = objectsOf(bind, 'letters').map(
        ({ _key, seq }) => letters.get(_key as string)?.attributes.seq ?? last + (seq as number),
      );
      for (const [index, letter] of objectsOf(bind, 'letters').entries()) letters.put({ ...letter, seq: places[index] });
      return [];
    },
  },
  {
    text: `
      FOR letter IN dead_letters
        FILTER @topic == null OR letter.topic == @topic
        FILTER @queue_id == null OR letter.queue_id == @queue_id
        SORT letter.seq DESC, letter._key LIMIT @limit
        RETURN UNSET(letter, "_key", "_id", "_rev", "seq")`,
    run: (database, bind) =>
      database
        .collection('dead_letters')
        .find('true ORDER BY seq DESC, _key')
        .filter(
          ({ attributes: { topic, queue_id } }) =>
            (bind.topic === null || topic === bind.topic) && (bind.queue_id === null || queue_id === bind.queue_id),
        )
        .slice(0, limitOf(bind, 'limit'))
        .map(({ attributes: { seq: _, ...letter } }) => exactJson(letter)),
  },
  {
    text: 'INSERT @document INTO @@collection OPTIONS { overwriteMode: "replace", waitForSync: true }',
    run(database, bind) {
      database.collection(textOf(bind, '@collection')).put(bind.document as Attributes);
      return [];
    },
  },
  {
    text: 'FOR document IN @@collection FILTER document._key == @key RETURN UNSET(document, "_key", "_id", "_rev")',
    run(database, bind) {
      const stored = database.collection(textOf(bind, '@collection')).get(textOf(bind, 'key'));
      return stored === undefined ? [] : [exactJson(stored.attributes)];
    },
  },
];
