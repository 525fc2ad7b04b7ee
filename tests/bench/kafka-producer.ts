// Publishes events of 15 KB through the adapter, as a function does, until so many are acknowledged. Usage: node kafka-producer.ts <broker> <events>;
// the first line on stdout is {"ready": true}, the second one {"seconds": …} at the end; then it stays until SIGTERM, so that it can be looked at.
import { openKafkaBus } from '../../shared/bus/kafka/kafka-bus.ts';
import { createParts } from '../../shared/runtime/process-parts.ts';
import { createPublisher } from '../../shared/runtime/publisher.ts';
import { sideBySide } from './bench.ts';
import { candlesFrom, rowEvents, SERIES } from './row-events.ts';

/** Rows of an event, which make it 15 KB. */
const ROWS_PER_EVENT = 68;
/** Events of a series before they begin again: the store behind stays small. */
const EVENTS_PER_SERIES = 200;
const LANES = 12;

const [bootstrapServers = '', count = '0'] = process.argv.slice(2);
const bus = await openKafkaBus({ bootstrapServers });
const { metrics } = createParts([], { logLevel: 'error' }, new AbortController().signal);
const publisher = createPublisher(bus, 'bench', metrics);
process.stdout.write('{"ready": true}\n');
const start = performance.now();
await sideBySide(LANES, Number(count), async (number) => {
  const series = SERIES[number % SERIES.length];
  const turn = Math.floor(number / SERIES.length) % EVENTS_PER_SERIES;
  if (series !== undefined) await publisher.publish(rowEvents(series, candlesFrom(turn * ROWS_PER_EVENT, ROWS_PER_EVENT)));
});
process.stdout.write(`${JSON.stringify({ seconds: (performance.now() - start) / 1_000 })}\n`);
process.once('SIGTERM', () => void bus.close().then(() => process.exit(0)));
