// The sink as `streamforge run sink --mode kafka` runs it, but for one call in which it stays: it says so to its parent, and waits for its death.
import { AsyncLocalStorage } from 'node:async_hooks';
import sink from '../../../functions/sink/function.ts';
import type { Bus, PartitionBatch, RecordPosition } from '../../../shared/bus/bus.ts';
import { openKafkaBus } from '../../../shared/bus/kafka/kafka-bus.ts';
import { readSettings } from '../../../shared/runtime/host-settings.ts';
import { kafkaOptions, openersFor } from '../../../shared/runtime/ports.ts';
import { createParts } from '../../../shared/runtime/process-parts.ts';
import { runFunction } from '../../../shared/runtime/run-function.ts';
import type { MarketStore } from '../../../shared/store/market-store.ts';
import { silentLogger } from '../../../shared/telemetry/pino-logger.ts';
import { overriding } from '../../runtime/overriding.ts';
import { MORTAL } from './timing.ts';

/** Where the sink stays: when its rows are to be written, or when all is done but the commit. */
export type Moment = 'before the write' | 'before the commit';

/** What the parent is told: the first record of the batch in whose middle the sink stays. */
export type Stay = Pick<RecordPosition, 'topic' | 'partition' | 'offset'>;

const { moment, nth } = JSON.parse(process.env.SINK_CHILD ?? '{}') as { moment: Moment; nth: number };
let calls = 0;
const inHand = new AsyncLocalStorage<PartitionBatch>();
async function stayAt(here: Moment): Promise<void> {
  if (here !== moment || ++calls < nth) return;
  const { topic = '', partition = 0, offset = 0 } = inHand.getStore()?.records[0] ?? {};
  process.send?.({ topic, partition, offset } satisfies Stay);
  await new Promise(() => {});
}

const { platform } = readSettings([sink], process.env);
const usual = openersFor(platform, createParts([sink], platform, new AbortController().signal, { logger: silentLogger }));
const kafka = kafkaOptions(platform);
if (kafka === undefined) throw new Error('KAFKA_BOOTSTRAP_SERVERS is missing.');
await runFunction({
  definition: sink,
  mode: 'kafka',
  port: 0,
  logger: silentLogger,
  openers: {
    ...usual,
    bus: async () => stayingBus(await openKafkaBus({ ...kafka, timing: MORTAL })),
    async stores() {
      const stores = await usual.stores();
      return { ...stores, market: stayingMarket(stores.market), close: () => stores.close() };
    },
  },
});

function stayingBus(bus: Bus): Bus {
  return overriding(bus, {
    subscribe: (options) =>
      bus.subscribe({
        ...options,
        onBatch: (batch) => inHand.run(batch, () => options.onBatch(stayingBatch(batch))),
      }),
  });
}

function stayingBatch(batch: PartitionBatch): PartitionBatch {
  return overriding(batch, {
    async commit(nextOffset) {
      await stayAt('before the commit');
      await batch.commit(nextOffset);
    },
  });
}

function stayingMarket(market: MarketStore): MarketStore {
  return overriding(market, {
    async upsertText(...call) {
      await stayAt('before the write');
      return market.upsertText(...call);
    },
    async upsertRows(...call) {
      await stayAt('before the write');
      return market.upsertRows(...call);
    },
  });
}
