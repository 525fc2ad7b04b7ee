import { it } from 'node:test';
import { openKafkaBus } from '../../shared/bus/kafka/kafka-bus.ts';
import { describeBus } from '../conformance/bus.ts';
import { findBroker } from '../support/kafka/shared-broker.ts';
import { MORTAL, QUICK } from '../support/kafka/timing.ts';

const module = new URL('../../shared/bus/kafka/kafka-bus.ts', import.meta.url).href;
const found = await findBroker();

if ('missing' in found) it('a real Kafka broker keeps every promise of the bus', { skip: found.missing }, () => {});
else {
  const options = { bootstrapServers: found.address.plain, timing: QUICK };
  describeBus('kafka', async () => ({
    open: () => openKafkaBus(options),
    opener: { module, exportName: 'openKafkaBus', options: { ...options, timing: MORTAL } },
    remove: async () => {},
  }));
}
