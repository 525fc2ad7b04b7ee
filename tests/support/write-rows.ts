// A process that writes rows, ledger, workflow and deliveries without end, and tells each thing that the store has acknowledged, until it is killed.
// Usage: node write-rows.ts <opener module> <location>

import { emptyMonth } from '../../shared/domain/ledger.ts';
import type { Stores } from '../conformance/stores.ts';
import { aBatch, aWorkflow, LEDGER_MONTH, WRITTEN_SERIES } from './written.ts';

const [opener = '', location = ''] = process.argv.slice(2);
const { openStores } = (await import(opener)) as { openStores(location: string): Promise<Stores> };
const { market, workflows } = await openStores(location);

function tell(what: string, number: number): void {
  process.stdout.write(`${what} ${number}\n`);
}

async function writeRows(): Promise<void> {
  for (let batch = 0; ; batch += 4) {
    await Promise.all(
      [0, 1, 2, 3].map(async (i) => {
        await market.upsertRows(WRITTEN_SERIES, aBatch(batch + i), { origin: 'rest', received_at: 1 });
        tell('batch', batch + i);
      }),
    );
  }
}

async function writeLedger(): Promise<void> {
  for (let rev = 0; ; rev += 1) {
    const covered = [{ from: rev, to: rev + 1, origin: 'rest' as const }];
    if (!(await market.writeLedger([{ ...emptyMonth(WRITTEN_SERIES, LEDGER_MONTH), rev, covered }])))
      throw new Error('the ledger was lost');
    tell('ledger', rev + 1);
  }
}

async function writeWorkflow(): Promise<void> {
  for (let rev = 0; ; rev += 1) {
    const event = {
      id: `event-${rev}`,
      source: '/streamforge/test',
      type: 'test',
      time: '2024-08-01T00:00:00Z',
      partitionkey: 'x',
      data: rev,
    };
    if (!(await workflows.commitChanges([{ document: aWorkflow({ rev, state: { rev } }), shards: [], events: [event] }])))
      throw new Error('the workflow was lost');
    tell('workflow', rev + 1);
  }
}

async function countDeliveries(): Promise<void> {
  for (;;) tell('tries', await workflows.countDelivery({ group: 'g', topic: 't', partition: 0, offset: 7 }, 'broken', 1));
}

await Promise.all([writeRows(), writeLedger(), writeWorkflow(), countDeliveries()]);
