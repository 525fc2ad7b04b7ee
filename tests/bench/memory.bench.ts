import { type Bench, scaled } from './bench.ts';
import { measureLoad, startWarmSimulator } from './measure-load.ts';
import { pageLoad } from './page-load.ts';

async function peakMegabytes(rows: number): Promise<number> {
  const load = pageLoad(rows);
  const simulator = await startWarmSimulator(load);
  try {
    return (await measureLoad(simulator, load)).peakBytes / 1e6;
  } finally {
    await simulator.close();
  }
}

/** Memory does not grow with what is loaded. */
const bench: Bench = {
  name: 'memory',
  what: 'largest resident size (VmHWM) of a host that loads 1m candles of five symbols, on an empty folder each',
  onlyNamed: true,
  async run() {
    const [small, large] = [scaled(1_000_000), scaled(5_000_000)];
    const [few, many] = [await peakMegabytes(small), await peakMegabytes(large)];
    return [
      { name: `${small.toLocaleString('en-US')} rows`, value: few, unit: 'MB', goal: 'under 300 MB' },
      {
        name: `${large.toLocaleString('en-US')} rows`,
        value: many,
        unit: 'MB',
        floor: few,
        goal: 'at most 1.1 times',
        against: `${small.toLocaleString('en-US')} rows`,
      },
    ];
  },
};

export default bench;
