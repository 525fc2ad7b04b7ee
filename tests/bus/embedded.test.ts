import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedBus } from '../../shared/bus/embedded/embedded-bus.ts';
import { describeBus } from '../conformance/bus.ts';

const module = new URL('../../shared/bus/embedded/embedded-bus.ts', import.meta.url).href;

describeBus('embedded', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'streamforge-bus-'));
  return {
    open: () => openEmbeddedBus({ dir }),
    opener: { module, exportName: 'openEmbeddedBus', options: { dir } },
    remove: () => rm(dir, { recursive: true }),
  };
});
