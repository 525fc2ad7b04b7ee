// The double as a process of its own. The first line of its output is `{"url": "http://…"}`; it ends with SIGINT or SIGTERM.
// Usage: node main.ts [--port 8529]   with ARANGO_USER and ARANGO_PASSWORD as who may do everything

import { parseArgs } from 'node:util';
import { startArangoDouble } from './arango-double.ts';

const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } });
const double = await startArangoDouble({
  port: Number(values.port),
  user: process.env.ARANGO_USER ?? 'root',
  password: process.env.ARANGO_PASSWORD ?? '',
  remember: false,
});
process.stdout.write(`${JSON.stringify({ url: double.url })}\n`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void double.close());
