import { attributeOf, compareValues, limitOf, type Meaning, numberOf, objectsOf, textOf, textsOf } from '../aql.ts';
import { type Attributes, whole } from '../collection.ts';
import { exactJson } from '../exact-json.ts';

const CONTENT = [
  ...['close_time', 'open', 'high', 'low', 'close', 'volume', 'quote_volume', 'trade_count'],
  ...['taker_buy_volume', 'taker_buy_quote_volume', 'first_trade_id', 'last_trade_id'],
];
const contentOf = (candle: Attributes): unknown[] => [...CONTENT.map((field) => candle[field]), candle.open_source ?? ''];
const standingOf = (candle: Attributes): unknown[] => [
  ...[candle.is_closed, candle.trade_count, candle.origin_rank, candle.received_at],
  contentOf(candle),
];
const without = (attributes: Attributes, ...names: readonly string[]): string =>
  exactJson(Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name))));

/** Queries on rows of the market: candles, rows with integer ids, rows with texts as keys. */
export const ROW_QUERIES: readonly Meaning[] = [
  {
    text: `
      FOR candle IN @rows
        LET stored = FIRST(FOR known IN candles FILTER known._key == candle._key RETURN known)
        LET content = [candle.close_time, candle.open, candle.high, candle.low, candle.close, candle.volume, candle.quote_volume,
          candle.trade_count, candle.taker_buy_volume, candle.taker_buy_quote_volume, candle.first_trade_id, candle.last_trade_id,
          NOT_NULL(candle.open_source, "")]
        LET before = [stored.close_time, stored.open, stored.high, stored.low, stored.close, stored.volume, stored.quote_volume,
          stored.trade_count, stored.taker_buy_volume, stored.taker_buy_quote_volume, stored.first_trade_id, stored.last_trade_id,
          NOT_NULL(stored.open_source, "")]
        FILTER stored == null
          OR [candle.is_closed, candle.trade_count, candle.origin_rank, candle.received_at, content]
            > [stored.is_closed, stored.trade_count, stored.origin_rank, stored.received_at, before]
        LET same = stored != null AND candle.is_closed == stored.is_closed AND content == before
        LET revision = stored.revision + (stored.is_closed AND NOT same ? 1 : 0)
        INSERT MERGE(candle, revision > 0 ? { revision: revision } : {}) INTO candles
          OPTIONS { overwriteMode: "replace", waitForSync: true }
        RETURN NOT same`,
    run(database, bind) {
      const candles = database.collection('candles');
      const answers: string[] = [];
      // AQL reads what was stored before the query; a key that comes twice would meet the same stored candle twice.
      const before = objectsOf(bind, 'rows').map((candle) => candles.get(candle._key as string)?.attributes);
      for (const [index, candle] of objectsOf(bind, 'rows').entries()) {
        const stored = before[index];
        if (stored !== undefined && compareValues(standingOf(candle), standingOf(stored)) <= 0) continue;
        const same =
          stored !== undefined && candle.is_closed === stored.is_closed && compareValues(contentOf(candle), contentOf(stored)) === 0;
        const revision = ((stored?.revision as number | undefined) ?? 0) + (stored?.is_closed === true && !same ? 1 : 0);
        candles.put(revision > 0 ? { ...candle, revision } : candle);
        answers.push(String(!same));
      }
      return answers;
    },
  },
  {
    text: 'FOR row IN @@rows FILTER row._key IN @keys RETURN row',
    run(database, bind) {
      const rows = database.collection(textOf(bind, '@rows'));
      const stored = [...new Set(textsOf(bind, 'keys'))].map((key) => rows.get(key)).filter((row) => row !== undefined);
      return stored.map((row) => exactJson(whole(rows, row)));
    },
  },
  {
    text: `
      FOR row IN [@row]
        LET stored = FIRST(FOR latest IN @@latest FILTER latest._key == row._key RETURN latest)
        FILTER stored == null OR [row.tie, row.time, row.row_key] > [stored.tie, stored.time, stored.row_key]
        INSERT row INTO @@latest OPTIONS { overwriteMode: "replace", waitForSync: true }`,
    run(database, bind) {
      const latest = database.collection(textOf(bind, '@latest'));
      const row = bind.row as Attributes;
      const stored = latest.get(row._key as string)?.attributes;
      const place = (one: Attributes) => [one.tie, one.time, one.row_key];
      if (stored === undefined || compareValues(place(row), place(stored)) > 0) latest.put(row);
      return [];
    },
  },
  {
    text: 'FOR row IN @@latest FILTER row._key == @key RETURN UNSET(row, "_key", "_id", "_rev", "series", "tie", "row_key")',
    run(database, bind) {
      const stored = database.collection(textOf(bind, '@latest')).get(textOf(bind, 'key'));
      return stored === undefined ? [] : [without(stored.attributes, 'series', 'tie', 'row_key')];
    },
  },
  {
    text: `
      FOR row IN candles
        FILTER row.series == @series AND row.open_time >= @first AND row.open_time <= @last
        SORT row.open_time LIMIT @limit
        RETURN UNSET(row, "_key", "_id", "_rev", "series", "origin", "origin_rank", "received_at")`,
    run(database, bind) {
      const found = database
        .collection('candles')
        .find(
          'series = ? AND open_time BETWEEN ? AND ? ORDER BY open_time LIMIT ?',
          ...[textOf(bind, 'series'), numberOf(bind, 'first'), numberOf(bind, 'last'), limitOf(bind, 'limit')],
        );
      return found.map(({ attributes }) => without(attributes, 'series', 'origin', 'origin_rank', 'received_at'));
    },
  },
  {
    text: `
      FOR row IN @@rows
        FILTER row.series == @series AND row.id >= @first AND row.id <= @last AND row.time >= @from AND row.time < @to
        SORT row.id LIMIT @limit
        RETURN UNSET(row, "_key", "_id", "_rev", "series")`,
    run(database, bind) {
      const found = database
        .collection(textOf(bind, '@rows'))
        .find(
          'series = ? AND id BETWEEN ? AND ? AND time >= ? AND time < ? ORDER BY id LIMIT ?',
          ...[textOf(bind, 'series'), numberOf(bind, 'first'), numberOf(bind, 'last')],
          ...[numberOf(bind, 'from'), numberOf(bind, 'to'), limitOf(bind, 'limit')],
        );
      return found.map(({ attributes }) => without(attributes, 'series'));
    },
  },
  {
    text: `
      FOR row IN @@rows
        FILTER row.series == @series AND row.time >= @from AND row.time < @to
        COLLECT AGGREGATE first = MIN(row.id), last = MAX(row.id)
        RETURN [first, last]`,
    run(database, bind) {
      const rows = database.collection(textOf(bind, '@rows'));
      const found = rows
        .statement(`SELECT min(id) AS first, max(id) AS last FROM "${rows.name}" WHERE series = ? AND time >= ? AND time < ?`)
        .get(textOf(bind, 'series'), numberOf(bind, 'from'), numberOf(bind, 'to'));
      return [JSON.stringify([found?.first, found?.last])];
    },
  },
  {
    text: `
      FOR row IN @@rows
        FILTER row.series == @series AND row.time >= @from AND row.time < @to AND [row.time, row.@tie, row.@key] > @after
        SORT row.time, row.@tie, row.@key LIMIT @limit
        RETURN UNSET(row, "_key", "_id", "_rev", "series", "tie", "row_key")`,
    run(database, bind) {
      const after = bind.after as [number, number | string, string];
      const [tie, key] = [attributeOf(bind, 'tie'), attributeOf(bind, 'key')];
      const found = database
        .collection(textOf(bind, '@rows'))
        .find(
          `series = ? AND time >= ? AND time < ? AND (time, ${tie}, ${key}) > (?, ?, ?) ORDER BY time, ${tie}, ${key} LIMIT ?`,
          ...[textOf(bind, 'series'), numberOf(bind, 'from'), numberOf(bind, 'to'), ...after, limitOf(bind, 'limit')],
        );
      return found.map(({ attributes }) => without(attributes, 'series', 'tie', 'row_key'));
    },
  },
];
