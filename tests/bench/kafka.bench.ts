import type { Kafka } from 'kafkajs';
import type { Bus } from '../../shared/bus/bus.ts';
import { openKafkaBus } from '../../shared/bus/kafka/kafka-bus.ts';
import type { StreamEvent } from '../../shared/events/event.ts';
import { toRecord } from '../../shared/events/kafka-codec.ts';
import type { RowsData } from '../../shared/events/row-contract.ts';
import { bareConsumer, bareProducer, openBareKafka, toMessage } from './bare-kafka.ts';
import { type Bench, type Figure, scaled, sideBySide } from './bench.ts';
import { consumeEvents } from './consume-events.ts';
import { candlesFrom, PARTITIONS, rowEvents, SERIES } from './row-events.ts';
import { withBroker } from './servers.ts';

const ROUNDS = 2;
/** Callers that publish at once, each awaiting its own: as `fetch` does. */
const LANES = 12;

/** So many events of so many rows, so many a call; a call's events are of one series. */
interface Shape {
  readonly name: string;
  readonly unit: 'rows' | 'events';
  readonly calls: number;
  readonly eventsPerCall: number;
  readonly rowsPerEvent: number;
}

const shapes: readonly Shape[] = [
  { name: 'pages of 1,000 rows', unit: 'rows', calls: scaled(300, LANES), eventsPerCall: 1, rowsPerEvent: 1_000 },
  { name: 'events of 1 row, 500 a call', unit: 'events', calls: scaled(60, LANES), eventsPerCall: 500, rowsPerEvent: 1 },
];

/** Seconds of sending everything, and of reading it: from the first record in hand to the last. */
interface Times {
  publish: number;
  consume: number;
}

/** The events of a call: made anew each time, as they are made of what an exchange answered. */
function eventsOf({ eventsPerCall, rowsPerEvent }: Shape, call: number): readonly StreamEvent[] {
  const series = SERIES[call % SERIES.length] ?? SERIES[0];
  if (series === undefined) return [];
  const rows = rowsOf.get(call) ?? [];
  if (eventsPerCall === 1) return rowEvents(series, rows);
  return rows.slice(0, eventsPerCall * rowsPerEvent).flatMap((row) => rowEvents(series, [row], 'ws'));
}

/** Rows by call, the same for all. */
const rowsOf = new Map<number, ReturnType<typeof candlesFrom>>();

async function throughAdapter(bus: Bus, topic: string, shape: Shape): Promise<Times> {
  const { calls, eventsPerCall, rowsPerEvent } = shape;
  const start = performance.now();
  await sideBySide(LANES, calls, async (call) => {
    await bus.publish(eventsOf(shape, call).map((event) => toRecord(event, topic)));
  });
  const publish = (performance.now() - start) / 1_000;
  let rows = 0;
  const consume = await consumeEvents(bus, topic, (event) => {
    rows += (event.data as RowsData).rows.length;
    return rows === calls * eventsPerCall * rowsPerEvent;
  });
  return { publish, consume };
}

async function throughBareClient(kafka: Kafka, topic: string, shape: Shape): Promise<Times> {
  const { calls, eventsPerCall, rowsPerEvent } = shape;
  const batches = Array.from({ length: calls }, (_, call) => eventsOf(shape, call).map((event) => toMessage(toRecord(event, topic))));
  const producer = await bareProducer(kafka);
  const start = performance.now();
  await sideBySide(LANES, calls, async (call) => {
    await producer.send({ topic, acks: -1, messages: batches[call] ?? [] });
  });
  const publish = (performance.now() - start) / 1_000;
  await producer.disconnect();
  const consumer = await bareConsumer(kafka, `${topic}-group`, topic);
  const done = Promise.withResolvers<number>();
  let [rows, began] = [0, 0];
  await consumer.run({
    eachBatch: async ({ batch }) => {
      began ||= performance.now();
      for (const { value } of batch.messages) rows += (JSON.parse(String(value)) as RowsData).rows.length;
      if (rows === calls * eventsPerCall * rowsPerEvent) done.resolve((performance.now() - began) / 1_000);
    },
  });
  const consume = await done.promise;
  await consumer.disconnect();
  return { publish, consume };
}

async function figuresOf(bus: Bus, kafka: Kafka, shape: Shape, place: number): Promise<readonly Figure[]> {
  for (let call = 0; call < shape.calls; call += 1) rowsOf.set(call, candlesFrom(call * 1_000, 1_000));
  const best = { own: { publish: Infinity, consume: Infinity }, bare: { publish: Infinity, consume: Infinity } };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const side of ['own', 'bare'] as const) {
      const topic = `bench.${place}.${round}.${side}`;
      await bus.admin.ensureTopics([{ name: topic, partitions: PARTITIONS, retentionMs: 3_600_000 }]);
      const times = side === 'own' ? await throughAdapter(bus, topic, shape) : await throughBareClient(kafka, topic, shape);
      for (const what of ['publish', 'consume'] as const) best[side][what] = Math.min(best[side][what], times[what]);
    }
  }
  const events = shape.calls * shape.eventsPerCall;
  const amount = shape.unit === 'rows' ? events * shape.rowsPerEvent : events;
  return (['publish', 'consume'] as const).map((what) => ({
    name: `${what} ${events.toLocaleString('en-US')} ${shape.name}`,
    value: amount / best.own[what],
    unit: `${shape.unit}/s`,
    floor: amount / best.bare[what],
    against: what === 'publish' ? 'bare kafkajs: the same messages, ready made, acks -1' : 'bare kafkajs: eachBatch, JSON.parse',
  }));
}

/** A real log beside its bare client. */
const bench: Bench = {
  name: 'kafka',
  what: `row events through a real broker, one producer and one consumer, ${PARTITIONS} partitions, ${LANES} calls at once`,
  run: () =>
    withBroker(async ({ plain }) => {
      const bus = await openKafkaBus({ bootstrapServers: plain });
      const kafka = await openBareKafka(plain);
      const figures: Figure[] = [];
      try {
        for (const [place, shape] of shapes.entries()) figures.push(...(await figuresOf(bus, kafka, shape, place)));
      } finally {
        await bus.close();
      }
      return figures;
    }),
};

export default bench;
