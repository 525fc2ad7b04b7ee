import { parseSeriesId, type Series } from '../../domain/series.ts';

/** What the demo loads, and from where. */
export interface DemoScenario {
  readonly source: string;
  readonly simulatorFlags: readonly string[];
  /** Body of `POST /workflows`. */
  readonly request: Readonly<Record<string, unknown>>;
  readonly series: readonly Series[];
  /** Candles that are built again from trades, where there are trades. */
  readonly trades?: Series;
  readonly from: number;
  readonly to: number;
}

const SYNTHETIC = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'ADAUSDT', 'XRPUSDT'];
const RECORDED = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'ADAUSDT'];
const STAGES = ['load', 'build-graph', 'train'];

/** Thirty days of 5m candles: of a synthetic market with one symbol's trades, or of a recording of 2023 with the real outage in it. */
export function scenarioFor(recording: string | undefined): DemoScenario {
  const candlesOf = (symbol: string): Series => parseSeriesId(`binance:${symbol}:candles:5m`);
  if (recording !== undefined) {
    return {
      source: `recorded candles of ${RECORDED.join(', ')} from ${recording}`,
      simulatorFlags: ['--recording', recording],
      request: { exchange: 'binance', symbols: RECORDED, types: ['api_candles_5m'], time_range: '2023-03-17:2023-04-15', stages: STAGES },
      series: RECORDED.map(candlesOf),
      from: Date.UTC(2023, 2, 17),
      to: Date.UTC(2023, 3, 16),
    };
  }
  const [first = 'BTCUSDT'] = SYNTHETIC;
  return {
    source: `a synthetic market of ${SYNTHETIC.join(', ')}`,
    // A month of one symbol's trades in hourly shards is some 6,000 weight: the simulated limit is raised so that the demo need not wait for the next minute.
    simulatorFlags: ['--seed', '1', '--weight-limit', '60000'],
    request: {
      exchange: 'binance',
      loads: [
        { symbols: SYNTHETIC, types: ['api_candles_5m'] },
        { symbols: [first], types: ['api_agg_trades'] },
      ],
      time_range: '2024-08-01:2024-08-30',
      stages: STAGES,
    },
    series: [...SYNTHETIC.map(candlesOf), parseSeriesId(`binance:${first}:agg-trades`)],
    trades: candlesOf(first),
    from: Date.UTC(2024, 7, 1),
    to: Date.UTC(2024, 7, 31),
  };
}
