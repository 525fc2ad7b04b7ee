// The floor of the pipeline, in a process of its own: fetches the pages, parses them, and upserts each into a plain table.
// node page-floor.ts <base URL> <rows> <folder>; prints {seconds, cpuSeconds}.
import { join } from 'node:path';
import { fetchPages, pageLoad } from './page-load.ts';
import { openPlainTable } from './plain-table.ts';

const COLUMNS = ['series', 'open_time', 'open', 'high', 'low', 'close', 'volume', 'close_time', 'quote_volume', 'trade_count'];
const TAKER_COLUMNS = ['taker_buy_volume', 'taker_buy_quote_volume'];

const [base = '', rows = '', dir = ''] = process.argv.slice(2);
const { paths } = pageLoad(Number(rows));
const table = openPlainTable(join(dir, 'plain.db'), [...COLUMNS, ...TAKER_COLUMNS], 1_000);
const symbols = new Map<string, number>();
const decoder = new TextDecoder();
const start = performance.now();
const cpu = process.cpuUsage();
await fetchPages(base, paths, (bytes, page) => {
  const symbol = /symbol=(\w+)/.exec(paths[page] as string)?.[1] as string;
  const series = symbols.get(symbol) ?? symbols.size;
  symbols.set(symbol, series);
  const values: number[] = [];
  for (const row of JSON.parse(decoder.decode(bytes)) as (number | string)[][]) {
    values.push(series);
    for (let column = 0; column < 11; column += 1) values.push(Number(row[column]));
  }
  table.upsert(values);
});
const { user, system } = process.cpuUsage(cpu);
process.stdout.write(`${JSON.stringify({ seconds: (performance.now() - start) / 1_000, cpuSeconds: (user + system) / 1e6 })}\n`);
table.close();
