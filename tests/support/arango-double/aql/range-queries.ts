import { attributeOf, type Bind, limitOf, type Meaning, numberOf, textOf, textsOf } from '../aql.ts';
import type { Collection } from '../collection.ts';
import type { DoubleDatabase } from '../double-database.ts';

/** The three ways in which rows are asked for, as SQL over the columns of their indexes, and the order in which they stand. */
interface Selection {
  readonly where: string;
  readonly time: string;
  order(bind: Bind): readonly string[];
  collection(database: DoubleDatabase, bind: Bind): Collection;
  values(bind: Bind): (string | number)[];
}

const named = (database: DoubleDatabase, bind: Bind): Collection => database.collection(textOf(bind, '@rows'));
const numbers = (bind: Bind, ...names: readonly string[]): (string | number)[] => [
  textOf(bind, 'series'),
  ...names.map((name) => numberOf(bind, name)),
];

const CANDLES: Selection = {
  where: 'series = ? AND open_time BETWEEN ? AND ?',
  time: 'open_time',
  order: () => ['open_time'],
  collection: (database) => database.collection('candles'),
  values: (bind) => numbers(bind, 'first', 'last'),
};
const IDS: Selection = {
  where: 'series = ? AND id BETWEEN ? AND ? AND time >= ? AND time < ?',
  time: 'time',
  order: () => ['id'],
  collection: named,
  values: (bind) => numbers(bind, 'first', 'last', 'from', 'to'),
};
const TEXTS: Selection = {
  where: 'series = ? AND time >= ? AND time < ?',
  time: 'time',
  order: (bind) => ['time', attributeOf(bind, 'tie'), attributeOf(bind, 'key')],
  collection: named,
  values: (bind) => numbers(bind, 'from', 'to'),
};

function count(selection: Selection): Meaning['run'] {
  return (database, bind) => {
    const rows = selection.collection(database, bind);
    const found = rows.statement(`SELECT count(*) AS count FROM "${rows.name}" WHERE ${selection.where}`).get(...selection.values(bind));
    return [String(found?.count)];
  };
}

function remove(selection: Selection): Meaning['run'] {
  return (database, bind) => {
    const rows = selection.collection(database, bind);
    const found = rows.find(`${selection.where} LIMIT ?`, ...selection.values(bind), limitOf(bind, 'limit'));
    for (const { _key } of found) rows.remove(_key);
    return found.map(() => '1');
  };
}

function describe(selection: Selection): Meaning['run'] {
  return (database, bind) => {
    const rows = selection.collection(database, bind);
    const order = selection.order(bind);
    const edge = (name: string, direction: string) => {
      const found = rows
        .statement(
          `SELECT "${order.at(-1)}" AS key, "${selection.time}" AS time FROM "${rows.name}" WHERE series = ?
           ORDER BY ${order.map((column) => `${column} ${direction}`).join(', ')} LIMIT 1`,
        )
        .get(name);
      return found === undefined ? null : { key: String(found.key), time: found.time };
    };
    const counted = rows.statement(`SELECT count(*) AS count FROM "${rows.name}" WHERE series = ?`);
    return textsOf(bind, 'names').map((name) =>
      JSON.stringify({ series: name, rows: counted.get(name)?.count, first: edge(name, 'ASC'), last: edge(name, 'DESC') }),
    );
  };
}

/** Queries that count, delete, describe or prove what is stored. */
export const RANGE_QUERIES: readonly Meaning[] = [
  {
    text: `
      FOR row IN candles
        FILTER row.series == @series AND row.open_time >= @first AND row.open_time <= @last
        COLLECT WITH COUNT INTO rows
        RETURN rows`,
    run: count(CANDLES),
  },
  {
    text: `
      FOR row IN @@rows
        FILTER row.series == @series AND row.id >= @first AND row.id <= @last AND row.time >= @from AND row.time < @to
        COLLECT WITH COUNT INTO rows
        RETURN rows`,
    run: count(IDS),
  },
  {
    text: 'FOR row IN @@rows FILTER row.series == @series AND row.time >= @from AND row.time < @to COLLECT WITH COUNT INTO rows RETURN rows',
    run: count(TEXTS),
  },
  {
    text: `
      FOR row IN candles
        FILTER row.series == @series AND row.open_time >= @first AND row.open_time <= @last
        LIMIT @limit
        REMOVE row IN candles OPTIONS { waitForSync: true }
        RETURN 1`,
    run: remove(CANDLES),
  },
  {
    text: `
      FOR row IN @@rows
        FILTER row.series == @series AND row.id >= @first AND row.id <= @last AND row.time >= @from AND row.time < @to
        LIMIT @limit
        REMOVE row IN @@rows OPTIONS { waitForSync: true }
        RETURN 1`,
    run: remove(IDS),
  },
  {
    text: `
      FOR row IN @@rows
        FILTER row.series == @series AND row.time >= @from AND row.time < @to
        LIMIT @limit
        REMOVE row IN @@rows OPTIONS { waitForSync: true }
        RETURN 1`,
    run: remove(TEXTS),
  },
  {
    text: `
      FOR name IN @names RETURN {
        series: name,
        rows: FIRST(FOR row IN candles FILTER row.series == name COLLECT WITH COUNT INTO rows RETURN rows),
        first: FIRST(FOR row IN candles FILTER row.series == name SORT row.open_time LIMIT 1
          RETURN { key: TO_STRING(row.open_time), time: row.open_time }),
        last: FIRST(FOR row IN candles FILTER row.series == name SORT row.open_time DESC LIMIT 1
          RETURN { key: TO_STRING(row.open_time), time: row.open_time })
      }`,
    run: describe(CANDLES),
  },
  {
    text: `
      FOR name IN @names RETURN {
        series: name,
        rows: FIRST(FOR row IN @@rows FILTER row.series == name COLLECT WITH COUNT INTO rows RETURN rows),
        first: FIRST(FOR row IN @@rows FILTER row.series == name SORT row.id LIMIT 1 RETURN { key: TO_STRING(row.id), time: row.time }),
        last: FIRST(FOR row IN @@rows FILTER row.series == name SORT row.id DESC LIMIT 1 RETURN { key: TO_STRING(row.id), time: row.time })
      }`,
    run: describe(IDS),
  },
  {
    text: `
      FOR name IN @names RETURN {
        series: name,
        rows: FIRST(FOR row IN @@rows FILTER row.series == name COLLECT WITH COUNT INTO rows RETURN rows),
        first: FIRST(FOR row IN @@rows FILTER row.series == name SORT row.time, row.@tie, row.@key LIMIT 1
          RETURN { key: row.@key, time: row.time }),
        last: FIRST(FOR row IN @@rows FILTER row.series == name SORT row.time DESC, row.@tie DESC, row.@key DESC LIMIT 1
          RETURN { key: row.@key, time: row.time })
      }`,
    run: describe(TEXTS),
  },
  {
    text: `
      FOR row IN candles
        FILTER row.series == @series AND row.open_time >= @first AND row.open_time <= @last
        SORT row.open_time
        RETURN [row.open_time, row.close_time, row.is_closed]`,
    run: (database, bind) =>
      database
        .collection('candles')
        .find(`${CANDLES.where} ORDER BY open_time`, ...CANDLES.values(bind))
        .map(({ attributes: { open_time, close_time, is_closed } }) => JSON.stringify([open_time, close_time, is_closed])),
  },
  {
    text: `
      FOR row IN @@rows
        FILTER row.series == @series AND row.id >= @first AND row.id <= @last
        SORT row.id
        RETURN [row.id, row.time]`,
    run(database, bind) {
      const rows = named(database, bind);
      return rows
        .statement(`SELECT id, time FROM "${rows.name}" WHERE series = ? AND id BETWEEN ? AND ? ORDER BY id`)
        .all(...numbers(bind, 'first', 'last'))
        .map(({ id, time }) => JSON.stringify([id, time]));
    },
  },
  {
    text: 'INSERT { _key: @key, series: @series } INTO series OPTIONS { overwriteMode: "ignore", waitForSync: true }',
    run(database, bind) {
      const series = database.collection('series');
      if (series.get(textOf(bind, 'key')) === undefined) series.insert({ _key: textOf(bind, 'key'), series: textOf(bind, 'series') });
      return [];
    },
  },
  {
    text: 'FOR entry IN series FILTER entry._key == @key RETURN entry.series',
    run(database, bind) {
      const stored = database.collection('series').get(textOf(bind, 'key'));
      return stored === undefined ? [] : [JSON.stringify(stored.attributes.series)];
    },
  },
  {
    text: 'FOR entry IN series SORT entry.series RETURN entry.series',
    run: (database) =>
      database
        .collection('series')
        .find('true')
        .map(({ attributes }) => attributes.series as string)
        .sort()
        .map((name) => JSON.stringify(name)),
  },
];
