import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Assignable, type Assignee, assignPartitions } from '../../shared/bus/assignment.ts';

const TOPICS = ['x', 'y', 'z'];
const members: fc.Arbitrary<Assignee[]> = fc
  .array(fc.uniqueArray(fc.constantFrom(...TOPICS), { minLength: 1 }), { maxLength: 6 })
  .map((list) => list.map((topics, index) => ({ id: index + 1, topics: new Set(topics) })));
const partitions: fc.Arbitrary<Assignable[]> = fc
  .array(fc.tuple(fc.constantFrom(...TOPICS), fc.option(fc.integer({ min: 1, max: 7 }), { nil: undefined })), { maxLength: 40 })
  .map((list) => list.map(([topic, owner], id) => (owner === undefined ? { id, topic } : { id, topic, owner })));

describe('assignment of partitions', () => {
  it('gives each partition that anybody wants to one member that wants it', () => {
    fc.assert(
      fc.property(members, partitions, (wanting, list) => {
        const assigned = assignPartitions(wanting, list);

        for (const { id, topic } of list) {
          const member = wanting.find((candidate) => candidate.id === assigned.get(id));
          assert.equal(
            member?.topics.has(topic) ?? false,
            wanting.some(({ topics }) => topics.has(topic)),
          );
        }
      }),
    );
  });

  it('is as even as the subscriptions allow', () => {
    fc.assert(
      fc.property(members, partitions, (wanting, list) => {
        const assigned = assignPartitions(wanting, list);

        const load = (member: Assignee) => [...assigned.values()].filter((id) => id === member.id).length;
        for (const { id, topic } of list) {
          const owner = wanting.find((candidate) => candidate.id === assigned.get(id));
          for (const other of wanting) if (owner !== undefined && other.topics.has(topic)) assert.ok(load(owner) - load(other) < 2);
        }
      }),
    );
  });

  it('moves nothing when nothing has changed', () => {
    fc.assert(
      fc.property(members, partitions, (wanting, list) => {
        const before = assignPartitions(wanting, list);
        const owned = list.map(({ id, topic }) => ({ id, topic, owner: before.get(id) ?? -1 }));

        assert.deepEqual(assignPartitions(wanting, owned), before);
      }),
    );
  });

  it('moves no more than a new member is due', () => {
    const list = Array.from({ length: 12 }, (_, id) => ({ id, topic: 'x', owner: (id % 2) + 1 }));
    const wanting = [1, 2, 3].map((id) => ({ id, topics: new Set(['x']) }));

    const assigned = assignPartitions(wanting, list);

    const moved = list.filter(({ id, owner }) => assigned.get(id) !== owner);
    assert.equal(moved.length, 4);
    assert.ok(moved.every(({ id }) => assigned.get(id) === 3));
  });
});
