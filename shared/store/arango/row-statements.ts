import type { RowStyle } from './series-rows.ts';

/**
 * Candles in one statement: the total order of versions (`shared/domain/order.ts`) spelled in AQL, whose arrays compare element by element and whose `null`,
 * an absent field, is less than any number. Returns, for each candle written, whether its content is new.
 */
export const UPSERT_CANDLES = `
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
    RETURN NOT same`;

/** The stored documents of a batch's keys. */
export const READ_BACK = 'FOR row IN @@rows FILTER row._key IN @keys RETURN row';

/** Keeps a quote or ticker as the latest of its series, unless a newer one is kept. */
export const KEEP_LATEST = `
  FOR row IN [@row]
    LET stored = FIRST(FOR latest IN @@latest FILTER latest._key == row._key RETURN latest)
    FILTER stored == null OR [row.tie, row.time, row.row_key] > [stored.tie, stored.time, stored.row_key]
    INSERT row INTO @@latest OPTIONS { overwriteMode: "replace", waitForSync: true }`;

export const READ_LATEST = `
  FOR row IN @@latest FILTER row._key == @key RETURN UNSET(row, "_key", "_id", "_rev", "series", "tie", "row_key")`;

/** The ids between which every trade of a range of times lies: ids and times need not rise together. */
export const ID_BOUNDS = `
  FOR row IN @@rows
    FILTER row.series == @series AND row.time >= @from AND row.time < @to
    COLLECT AGGREGATE first = MIN(row.id), last = MAX(row.id)
    RETURN [first, last]`;

/** Rows in their order, without what the store keeps beside their fields. */
export const READ_ROWS: Readonly<Record<RowStyle, string>> = {
  candles: `
    FOR row IN candles
      FILTER row.series == @series AND row.open_time >= @first AND row.open_time <= @last
      SORT row.open_time LIMIT @limit
      RETURN UNSET(row, "_key", "_id", "_rev", "series", "origin", "origin_rank", "received_at")`,
  ids: `
    FOR row IN @@rows
      FILTER row.series == @series AND row.id >= @first AND row.id <= @last AND row.time >= @from AND row.time < @to
      SORT row.id LIMIT @limit
      RETURN UNSET(row, "_key", "_id", "_rev", "series")`,
  texts: `
    FOR row IN @@rows
      FILTER row.series == @series AND row.time >= @from AND row.time < @to AND [row.time, row.@tie, row.@key] > @after
      SORT row.time, row.@tie, row.@key LIMIT @limit
      RETURN UNSET(row, "_key", "_id", "_rev", "series", "tie", "row_key")`,
};

export const COUNT_ROWS: Readonly<Record<RowStyle, string>> = {
  candles: `
    FOR row IN candles
      FILTER row.series == @series AND row.open_time >= @first AND row.open_time <= @last
      COLLECT WITH COUNT INTO rows
      RETURN rows`,
  ids: `
    FOR row IN @@rows
      FILTER row.series == @series AND row.id >= @first AND row.id <= @last AND row.time >= @from AND row.time < @to
      COLLECT WITH COUNT INTO rows
      RETURN rows`,
  texts: `
    FOR row IN @@rows FILTER row.series == @series AND row.time >= @from AND row.time < @to COLLECT WITH COUNT INTO rows RETURN rows`,
};

/** Deletes at most `limit` rows and returns a 1 for each. */
export const REMOVE_ROWS: Readonly<Record<RowStyle, string>> = {
  candles: `
    FOR row IN candles
      FILTER row.series == @series AND row.open_time >= @first AND row.open_time <= @last
      LIMIT @limit
      REMOVE row IN candles OPTIONS { waitForSync: true }
      RETURN 1`,
  ids: `
    FOR row IN @@rows
      FILTER row.series == @series AND row.id >= @first AND row.id <= @last AND row.time >= @from AND row.time < @to
      LIMIT @limit
      REMOVE row IN @@rows OPTIONS { waitForSync: true }
      RETURN 1`,
  texts: `
    FOR row IN @@rows
      FILTER row.series == @series AND row.time >= @from AND row.time < @to
      LIMIT @limit
      REMOVE row IN @@rows OPTIONS { waitForSync: true }
      RETURN 1`,
};

/** How many rows each of some series has, and its first and last. */
export const DESCRIBE_ROWS: Readonly<Record<RowStyle, string>> = {
  candles: `
    FOR name IN @names RETURN {
      series: name,
      rows: FIRST(FOR row IN candles FILTER row.series == name COLLECT WITH COUNT INTO rows RETURN rows),
      first: FIRST(FOR row IN candles FILTER row.series == name SORT row.open_time LIMIT 1
        RETURN { key: TO_STRING(row.open_time), time: row.open_time }),
      last: FIRST(FOR row IN candles FILTER row.series == name SORT row.open_time DESC LIMIT 1
        RETURN { key: TO_STRING(row.open_time), time: row.open_time })
    }`,
  ids: `
    FOR name IN @names RETURN {
      series: name,
      rows: FIRST(FOR row IN @@rows FILTER row.series == name COLLECT WITH COUNT INTO rows RETURN rows),
      first: FIRST(FOR row IN @@rows FILTER row.series == name SORT row.id LIMIT 1 RETURN { key: TO_STRING(row.id), time: row.time }),
      last: FIRST(FOR row IN @@rows FILTER row.series == name SORT row.id DESC LIMIT 1 RETURN { key: TO_STRING(row.id), time: row.time })
    }`,
  texts: `
    FOR name IN @names RETURN {
      series: name,
      rows: FIRST(FOR row IN @@rows FILTER row.series == name COLLECT WITH COUNT INTO rows RETURN rows),
      first: FIRST(FOR row IN @@rows FILTER row.series == name SORT row.time, row.@tie, row.@key LIMIT 1
        RETURN { key: row.@key, time: row.time }),
      last: FIRST(FOR row IN @@rows FILTER row.series == name SORT row.time DESC, row.@tie DESC, row.@key DESC LIMIT 1
        RETURN { key: row.@key, time: row.time })
    }`,
};

/** What a proof looks at, from the index alone. */
export const READ_MARKS: Readonly<Record<'candles' | 'ids', string>> = {
  candles: `
    FOR row IN candles
      FILTER row.series == @series AND row.open_time >= @first AND row.open_time <= @last
      SORT row.open_time
      RETURN [row.open_time, row.close_time, row.is_closed]`,
  ids: `
    FOR row IN @@rows
      FILTER row.series == @series AND row.id >= @first AND row.id <= @last
      SORT row.id
      RETURN [row.id, row.time]`,
};

/** The series of which something was ever stored. */
export const REMEMBER_SERIES = `
  INSERT { _key: @key, series: @series } INTO series OPTIONS { overwriteMode: "ignore", waitForSync: true }`;
export const FIND_SERIES = 'FOR entry IN series FILTER entry._key == @key RETURN entry.series';
export const LIST_SERIES = 'FOR entry IN series SORT entry.series RETURN entry.series';
