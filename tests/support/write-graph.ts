// A process that writes most of a graph, tells so, and waits to be killed.
// Usage: node write-graph.ts <opener module> <location>
import type { Stores } from '../conformance/stores.ts';
import { aGraph, contentOf, documentOf } from './graphs.ts';

const [opener = '', location = ''] = process.argv.slice(2);
const { openStores } = (await import(opener)) as { openStores(location: string): Promise<Stores> };
const { graphs } = await openStores(location);

const graph = aGraph(9_000);
const content = contentOf(graph);

/** The last relation: when its edges are asked for, all others were written. Nobody hears of the graph's end. */
const neverRead: Iterable<never> = {
  [Symbol.iterator]() {
    process.stdout.write('all but the last relation\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    throw new Error('nobody ended the wait');
  },
};

await graphs.writeGraph(documentOf('f'.repeat(64), graph), { ...content, edges: { ...content.edges, leads: neverRead } });
