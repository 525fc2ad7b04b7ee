import { describe } from 'node:test';
import { describeAdmin } from './bus-admin.ts';
import { describeCommits } from './bus-commits.ts';
import { describeCrashes } from './bus-crashes.ts';
import { describeDeadLetters } from './bus-dead-letters.ts';
import { describeDelivery } from './bus-delivery.ts';
import type { CreateBusFixture } from './bus-fixture.ts';
import { describeLog } from './bus-log.ts';
import { describeMembers } from './bus-members.ts';
import { describeSchedules } from './bus-schedules.ts';
import { describeVolumes } from './bus-volumes.ts';

/** What every adapter of the port `Bus` promises. `createFixture` gives a new, empty log (or new names on a shared one). */
export function describeBus(name: string, createFixture: CreateBusFixture): void {
  describe(`bus (${name})`, () => {
    describe('log', () => describeLog(createFixture));
    describe('volumes', () => describeVolumes(createFixture));
    describe('delivery', () => describeDelivery(createFixture));
    describe('commits', () => describeCommits(createFixture));
    describe('members', () => describeMembers(createFixture));
    describe('admin', () => describeAdmin(createFixture));
    describe('dead letters', () => describeDeadLetters(createFixture));
    describe('crashes', () => describeCrashes(createFixture));
    describe('schedules', () => describeSchedules(createFixture));
  });
}
