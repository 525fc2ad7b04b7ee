import { type Bench, type Figure, scaled } from './bench.ts';
import { type LoadMeasure, measureFloor, measureLoad, measurePages, startWarmSimulator } from './measure-load.ts';
import { pageLoad } from './page-load.ts';

const ROUNDS = 2;
const AGAINST = 'fetch the same pages, JSON.parse, one prepared multi-row upsert a page';

const best = (measures: readonly Pick<LoadMeasure, 'seconds' | 'cpuSeconds'>[], what: 'seconds' | 'cpuSeconds'): number =>
  Math.min(...measures.map((measure) => measure[what]));

/** From history pages to proven rows. */
const bench: Bench = {
  name: 'pipeline',
  what: 'pages of 1m candles of five symbols, from POST /workflows to finished (every row proven); the simulator in another process',
  async run() {
    const load = pageLoad(scaled(1_000_000));
    const simulator = await startWarmSimulator(load);
    try {
      const pages = await measurePages(simulator, load);
      const loads: LoadMeasure[] = [];
      const floors: Omit<LoadMeasure, 'peakBytes'>[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        loads.push(await measureLoad(simulator, load));
        floors.push(await measureFloor(simulator, load));
      }
      const { rows, paths } = load;
      const [seconds, floor] = [best(loads, 'seconds'), best(floors, 'seconds')];
      const figures: Figure[] = [
        {
          name: `${rows.toLocaleString('en-US')} candles`,
          value: rows / seconds,
          unit: 'rows/s',
          floor: rows / floor,
          goal: '150,000 rows/s; 0.5 of the floor',
          against: AGAINST,
        },
        {
          name: 'processor time of the host',
          value: (best(loads, 'cpuSeconds') / rows) * 1e6,
          unit: 'µs/row',
          floor: (best(floors, 'cpuSeconds') / rows) * 1e6,
          against: 'the same floor',
        },
        {
          name: 'peak memory of the host (VmHWM)',
          value: Math.max(...loads.map(({ peakBytes }) => peakBytes)) / 1e6,
          unit: 'MB',
          goal: 'under 300 MB',
        },
        {
          name: 'the simulator alone',
          value: paths.length / pages,
          unit: 'pages/s',
          floor: paths.length / seconds,
          goal: 'at least 3: it is not what is measured',
          against: 'pages/s of the pipeline',
        },
      ];
      return figures;
    } finally {
      await simulator.close();
    }
  },
};

export default bench;
