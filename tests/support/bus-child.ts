import type { Bus, RecordPosition } from '../../shared/bus/bus.ts';
import { aRecord, type BusOpener, commitAll } from '../conformance/bus-fixture.ts';

/** What the process of `bus-child.ts` is told to do, as JSON in `BUS_CHILD`, until it is killed. */
export type BusChildTask = { readonly opener: BusOpener } & (
  | { readonly do: 'write'; readonly topic: string; readonly keys: readonly string[] }
  | { readonly do: 'consume'; readonly topic: string; readonly group: string }
);

/** What it tells its parent. */
export type BusChildMessage =
  | { readonly acknowledged: { readonly key: string; readonly id: number } }
  | { readonly handled: readonly RecordPosition[] }
  | { readonly committed: RecordPosition };

function tell(message: BusChildMessage): void {
  process.send?.(message);
}

/** Publishes 0, 1, 2, … under each key, one awaited call after the other, and tells every acknowledgement. */
async function write(bus: Bus, topic: string, keys: readonly string[]): Promise<void> {
  await Promise.all(
    keys.map(async (key) => {
      for (let id = 0; ; id++) {
        await bus.publish([aRecord(topic, key, id)]);
        tell({ acknowledged: { key, id } });
      }
    }),
  );
}

/** Handles, then commits, and tells both. */
async function consume(bus: Bus, topic: string, group: string): Promise<void> {
  const { ended } = await bus.subscribe({
    group,
    topics: [topic],
    maxBatchRecords: 7,
    onBatch: async (batch) => {
      tell({ handled: batch.records.map(({ partition, offset }) => ({ topic, partition, offset })) });
      await commitAll(batch);
      tell({ committed: { topic, partition: batch.partition, offset: (batch.records.at(-1)?.offset ?? -1) + 1 } });
    },
  });
  await ended;
}

/** Runs the task that the environment names. */
async function main(text: string): Promise<void> {
  // Without its parent there is nobody left to kill it.
  process.on('disconnect', () => process.exit(1));
  const task = JSON.parse(text) as BusChildTask;
  const module = (await import(task.opener.module)) as Readonly<Record<string, (options: unknown) => Promise<Bus>>>;
  const open = module[task.opener.exportName];
  if (open === undefined) throw new Error(`${task.opener.module} has no export ${task.opener.exportName}`);
  const bus = await open(task.opener.options);
  if (task.do === 'write') await write(bus, task.topic, task.keys);
  else await consume(bus, task.topic, task.group);
}

if (process.env.BUS_CHILD !== undefined) await main(process.env.BUS_CHILD);
