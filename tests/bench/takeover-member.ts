// A member of a consumer group, until it is killed. Usage: node takeover-member.ts <own|bare> <broker> <topic> <group> <session ms> <heartbeat ms>; the first
// line on stdout is {"ready": true}, every further one tells of a record that was handled: {"partition": …}.
import { openKafkaBus } from '../../shared/bus/kafka/kafka-bus.ts';
import { bareConsumer, openBareKafka } from './bare-kafka.ts';

const [side, bootstrapServers = '', topic = '', group = '', sessionMs = '', heartbeatMs = ''] = process.argv.slice(2);

function tell(partition: number): void {
  process.stdout.write(`${JSON.stringify({ partition })}\n`);
}

process.stdout.write('{"ready": true}\n');
if (side === 'own') {
  const bus = await openKafkaBus({ bootstrapServers });
  const { ended } = await bus.subscribe({
    group,
    topics: [topic],
    async onBatch(batch) {
      tell(batch.partition);
      await batch.commit((batch.records.at(-1)?.offset ?? -1) + 1);
    },
  });
  await ended;
} else {
  const times = { sessionTimeout: Number(sessionMs), heartbeatInterval: Number(heartbeatMs), maxWaitTimeInMs: 500 };
  const consumer = await bareConsumer(await openBareKafka(bootstrapServers), group, topic, times);
  await consumer.run({ eachBatch: async ({ batch }) => tell(batch.partition) });
}
