import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { murmur2, partitionOf } from '../../shared/bus/partitioner.ts';

describe('partitioner', () => {
  // Apache Kafka, clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java, testMurmur2; the hash of nothing by the same code.
  const KAFKA = new Map([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
    ['', 275646681],
  ]);

  it('hashes keys as the Java client does', () => {
    for (const [key, hash] of KAFKA) assert.equal(murmur2(Buffer.from(key)), hash, key);
  });

  // Computed by the Java client's default partitioner for 12 partitions.
  it('places keys where the Java client places them', () => {
    const places: [string, number][] = [
      ['1039-36302-36840-2-9f138052', 4],
      ['1182-07205-22440-2-0ad4507d', 9],
      ['1388-20023-36900-2-c9985f66', 0],
      ['1010-98110-23700-2-295bfb4c', 10],
      ['1175-03505-36600-2-126dd9ca', 1],
      ['1137-01302-23820-2-d560d49a', 4],
      ['599999', 3],
    ];
    for (const [key, partition] of places) assert.equal(partitionOf(key, 12), partition, key);
  });

  it('gives text and its bytes the same partition, always one that exists', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 64 }), (key, partitions) => {
        const partition = partitionOf(key, partitions);
        assert.equal(partition, partitionOf(Buffer.from(key), partitions));
        assert.ok(Number.isInteger(partition) && partition >= 0 && partition < partitions);
      }),
    );
  });
});
