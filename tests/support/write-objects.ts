// A process that puts objects without end, several at once, some of them again and again, and tells each acknowledged key, until it is killed.
// Each body begins with the SHA-256 of the rest. Usage: node write-objects.ts <opener module> <location>
import { createHash } from 'node:crypto';
import type { ObjectStore } from '../../shared/objects/object-store.ts';

const [opener = '', location = ''] = process.argv.slice(2);
const { openObjects } = (await import(opener)) as { openObjects(location: string): Promise<ObjectStore> };
const objects = await openObjects(location);

/** Large enough to be written in several steps: a put that shows its object early is caught between two of them. */
const BODY_BYTES = 3_000_000;

function aBody(seed: number): Uint8Array {
  const rest = Buffer.alloc(BODY_BYTES - 32, `${seed} `);
  return Buffer.concat([createHash('sha256').update(rest).digest(), rest]);
}

await Promise.all(
  [0, 1, 2, 3].map(async (writer) => {
    for (let n = 0; ; n += 1) {
      const key = writer === 0 ? 'models/again/weights.bin' : `models/m${writer}-${n}/weights.bin`;
      await objects.put(key, aBody(n + 1));
      process.stdout.write(`${key}\n`);
    }
  }),
);
