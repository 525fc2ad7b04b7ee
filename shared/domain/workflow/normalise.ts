import { AppError, type ErrorCode, type FieldProblem } from '../errors.ts';
import { countBuckets, hasUnverifiedPhase, type Interval } from '../interval.ts';
import { type ExchangeName, parseSeriesId } from '../series.ts';
import { ALLOWED_TYPES, isTypeProblem, resolveType, type WorkflowType } from './load-type.ts';
import {
  GRAPH_DEFAULTS,
  type GraphRequest,
  type Selection,
  STAGES,
  type Stage,
  type StartTarget,
  TRAIN_DEFAULTS,
  type TrainRequest,
  type WorkflowLoad,
  type WorkflowRequest,
} from './request.ts';
import { ALLOWED_TIME_RANGES, parseTimeRange } from './time-range.ts';

/** The most symbols of one workflow. */
export const MAX_SYMBOLS = 100;

/** One entry of `loads` as a caller writes it; `interval` completes `api_candles`. */
export interface RawLoad {
  readonly symbols: readonly string[];
  readonly types: readonly string[];
  readonly interval?: string;
}

/** The body of `POST /workflows` whose fields have the right types and lengths. `symbol`/`symbols` and `type`/`types` stand for one entry of `loads`. */
export interface RawRequest extends Partial<Omit<RawLoad, 'interval'>> {
  readonly exchange?: ExchangeName;
  readonly symbol?: string;
  readonly type?: string;
  readonly interval?: string;
  readonly loads?: readonly RawLoad[];
  readonly time_range?: string;
  readonly stages?: readonly Stage[];
  readonly collection_name?: string;
  readonly graph?: Partial<GraphRequest>;
  readonly train?: Partial<TrainRequest>;
  readonly targets?: readonly StartTarget[];
}

type Problem = FieldProblem & { readonly code: ErrorCode };
type Say = (path: string, problem: string, allowed?: string, code?: ErrorCode) => void;

/** A load with the interval-bearing types of it, and whether it asks for the last stages alone. */
interface ResolvedLoads {
  readonly loads: readonly WorkflowLoad[];
  readonly intervals: readonly Interval[];
  /** `gnn_graph` or `gnn_train`. */
  readonly alone?: string;
  readonly symbols: readonly string[];
}

/**
 * Brings a request into its normal form. Throws `invalid_request` (or `not_yet_supported`, where that is all that is wrong) with every bad field,
 * its path and what is allowed.
 */
export function normaliseRequest(raw: RawRequest): WorkflowRequest {
  const problems: Problem[] = [];
  const say: Say = (path, problem, allowed, code = 'invalid_request') =>
    void problems.push({ path, problem, ...(allowed === undefined ? {} : { allowed }), code });
  const resolved = resolveLoads(raw, say);
  const { exchange = 'binance', time_range = '', collection_name, targets } = raw;
  if (exchange !== 'binance') say('exchange', 'is not yet supported', 'binance', 'not_yet_supported');
  const range = raw.time_range === undefined ? { problem: 'is missing' } : parseTimeRange(time_range);
  if ('problem' in range) say('time_range', range.problem, ALLOWED_TIME_RANGES);
  const stages = resolveStages(raw, resolved, say);
  const graph = resolveGraph(raw, resolved, stages, say);
  const train = resolveTrain(raw, stages, say);
  if ('problem' in range || problems.length > 0) throw refusal(problems);
  return {
    exchange,
    loads: resolved.loads,
    stages,
    time_range,
    ...range,
    ...(collection_name === undefined ? {} : { collection_name }),
    ...(graph === undefined ? {} : { graph }),
    ...(train === undefined ? {} : { train }),
    ...(targets === undefined ? {} : { targets }),
  };
}

/** One error for all bad fields: its code is theirs where they agree, else `invalid_request`. */
export function refusal(problems: readonly Problem[]): AppError {
  const [first] = problems;
  const code = first !== undefined && problems.every((problem) => problem.code === first.code) ? first.code : 'invalid_request';
  const fields = problems.map(({ code: _, ...field }) => field);
  const list = fields.map(({ path, problem, allowed }) => `${path} ${problem}${allowed === undefined ? '' : ` (allowed: ${allowed})`}`);
  return new AppError(code, `The request cannot be taken: ${list.join('; ')}.`, { fields });
}

function resolveLoads(raw: RawRequest, say: Say): ResolvedLoads {
  const entries = rawLoads(raw, say);
  const loads: WorkflowLoad[] = [];
  const intervals = new Set<Interval>();
  const alone = new Set<string>();
  for (const { load, symbolsAt, typesAt } of entries) {
    const types = load.types
      .map((text, index) => resolveNamed(text, load.interval, typesAt(index), say))
      .filter((type) => type !== undefined);
    for (const type of types) {
      if (type.does === 'stages') alone.add(type.name);
      if (type.does === 'history' && type.interval !== undefined) intervals.add(type.interval);
    }
    if (load.symbols.length === 0) say(symbolsAt, 'is empty', 'at least one symbol');
    if (load.types.length === 0) say(typesAt(0), 'is missing', ALLOWED_TYPES);
    loads.push({ symbols: [...new Set(load.symbols)], types: [...new Set(types.map((type) => type.name))] });
  }
  const symbols = [...new Set(loads.flatMap((load) => load.symbols))];
  const path = raw.loads === undefined ? 'symbols' : 'loads';
  if (symbols.length > MAX_SYMBOLS) say(path, `names ${symbols.length} symbols`, `at most ${MAX_SYMBOLS}`);
  const [name] = alone;
  if (name === undefined) return { loads, intervals: [...intervals], symbols };
  if (loads.length > 1 || loads.some((load) => load.types.length > 1)) {
    say(entries[0]?.typesAt(0) ?? 'type', `has ${name} beside other types`, `${name} alone, or api_candles_<interval> with stages`);
  }
  return { loads: [], intervals: [], symbols, alone: name };
}

interface RawEntry {
  readonly load: RawLoad;
  readonly symbolsAt: string;
  readonly typesAt: (index: number) => string;
}

/** The entries of `loads`, or the one that the short fields stand for, with the paths under which the caller wrote them. */
function rawLoads(raw: RawRequest, say: Say): RawEntry[] {
  const short = (['symbol', 'symbols', 'type', 'types', 'interval'] as const).filter((name) => raw[name] !== undefined);
  if (raw.loads !== undefined) {
    for (const name of short) say(name, 'stands beside loads', 'either loads, or symbol and type');
    if (raw.loads.length === 0) say('loads', 'is empty', 'at least one entry');
    return raw.loads.map((load, at) => ({ load, symbolsAt: `loads.${at}.symbols`, typesAt: (index) => `loads.${at}.types.${index}` }));
  }
  if (raw.symbol !== undefined && raw.symbols !== undefined) say('symbols', 'stands beside symbol', 'one of the two');
  if (raw.type !== undefined && raw.types !== undefined) say('types', 'stands beside type', 'one of the two');
  if (raw.symbol === undefined && raw.symbols === undefined)
    say('symbol', 'is missing', 'a symbol as the exchange writes it, such as "BTCUSDT"');
  if (raw.type === undefined && raw.types === undefined) say('type', 'is missing', ALLOWED_TYPES);
  const symbols = raw.symbols ?? (raw.symbol === undefined ? undefined : [raw.symbol]);
  const types = raw.types ?? (raw.type === undefined ? undefined : [raw.type]);
  if (symbols === undefined || types === undefined) return [];
  const load: RawLoad = { symbols, types, ...(raw.interval === undefined ? {} : { interval: raw.interval }) };
  return [
    {
      load,
      symbolsAt: raw.symbols === undefined ? 'symbol' : 'symbols',
      typesAt: (index) => (raw.types === undefined ? 'type' : `types.${index}`),
    },
  ];
}

/** Where the caller wrote a symbol of its request: `symbol`, `symbols.1`, `loads.0.symbols.2`. */
export function pathOfSymbol(raw: RawRequest, symbol: string): string {
  if (raw.loads === undefined) return raw.symbols === undefined ? 'symbol' : `symbols.${raw.symbols.indexOf(symbol)}`;
  const at = raw.loads.findIndex(({ symbols }) => symbols.includes(symbol));
  return `loads.${at}.symbols.${raw.loads[at]?.symbols.indexOf(symbol) ?? 0}`;
}

function resolveNamed(text: string, interval: string | undefined, path: string, say: Say): WorkflowType | undefined {
  const type = resolveType(text, interval);
  if (!isTypeProblem(type)) return type;
  say(path, type.problem, type.allowed, type.code);
  return undefined;
}

/** A run of stages in their order that begins with `load`, or ends where a workflow can end. */
const STAGE_LISTS = STAGES.flatMap((_, from) => STAGES.map((__, to) => STAGES.slice(from, to + 1))).filter((list) => list.length > 0);
const ALLOWED_STAGES = STAGE_LISTS.map((list) => `[${list.join(', ')}]`).join(', ');

function resolveStages(raw: RawRequest, resolved: ResolvedLoads, say: Say): readonly Stage[] {
  const { stages } = raw;
  if (stages !== undefined && !STAGE_LISTS.some((list) => list.join() === stages.join())) {
    say('stages', 'is no run of stages in their order', ALLOWED_STAGES);
    return [];
  }
  if (resolved.alone === undefined) return stages ?? ['load'];
  if (stages?.includes('load'))
    say('stages', `loads nothing with the type ${resolved.alone}`, 'stages without load, or the type api_candles_<interval>');
  if (stages !== undefined) return stages;
  if (resolved.alone === 'gnn_graph') return ['build-graph'];
  return raw.train?.graph_id === undefined ? ['build-graph', 'train'] : ['train'];
}

function resolveGraph(raw: RawRequest, resolved: ResolvedLoads, stages: readonly Stage[], say: Say): GraphRequest | undefined {
  const { graph } = raw;
  if (!stages.includes('build-graph')) {
    // A stored graph that is trained on brings its own description.
    if (graph !== undefined && stages.includes('train')) return { ...GRAPH_DEFAULTS, symbols: resolved.symbols, ...graph } as GraphRequest;
    if (graph !== undefined && stages.length > 0) say('graph', 'needs the stage build-graph', ALLOWED_STAGES);
    return undefined;
  }
  const interval = graph?.interval ?? (resolved.intervals.length === 1 ? resolved.intervals[0] : undefined);
  if (interval === undefined) {
    const found =
      resolved.intervals.length === 0 ? 'has no candle interval' : `has several candle intervals (${resolved.intervals.join(', ')})`;
    say('graph.interval', found, 'exactly one: a single api_candles_<interval>, or graph.interval');
    return undefined;
  }
  if (resolved.alone === undefined && !resolved.intervals.includes(interval)) {
    say('graph.interval', 'is not an interval of the candles that are loaded', resolved.intervals.join(', ') || 'none is loaded');
  }
  const loaded = symbolsWithCandles(resolved, interval);
  const symbols = graph?.symbols === undefined ? loaded : [...new Set(graph.symbols)];
  symbols.forEach((symbol, index) => {
    if (!loaded.includes(symbol)) say(`graph.symbols.${index}`, `has no candles of ${interval} in this workflow`, loaded.join(', '));
  });
  return { ...GRAPH_DEFAULTS, ...graph, interval, symbols };
}

function symbolsWithCandles(resolved: ResolvedLoads, interval: Interval): readonly string[] {
  if (resolved.alone !== undefined) return resolved.symbols;
  const loads = resolved.loads.filter((load) => load.types.includes(`api_candles_${interval}`));
  return [...new Set(loads.flatMap((load) => load.symbols))];
}

function resolveTrain(raw: RawRequest, stages: readonly Stage[], say: Say): TrainRequest | undefined {
  const { train } = raw;
  if (!stages.includes('train')) {
    if (train !== undefined && stages.length > 0) say('train', 'needs the stage train', ALLOWED_STAGES);
    return undefined;
  }
  const builds = stages.includes('build-graph');
  if (builds && train?.graph_id !== undefined) say('train.graph_id', 'stands beside the stage build-graph', 'one of the two');
  if (!builds && train?.graph_id === undefined)
    say('train.graph_id', 'is missing', 'the id of a stored graph, or the stage build-graph before train');
  return { ...TRAIN_DEFAULTS, ...train };
}

/** Refuses a request with a series in whose range no bucket has closed yet: `invalid_request`, path `time_range`. */
export function checkSelections(selections: readonly Selection[]): void {
  const problems = selections.flatMap(({ series, from, to }): Problem[] => {
    const { interval } = parseSeriesId(series);
    const mayHoldRows = interval === undefined || hasUnverifiedPhase(interval) || countBuckets(interval, from, to) > 0;
    if (mayHoldRows && from < to) return [];
    const what = interval === undefined ? 'no time' : `no bucket of ${interval}`;
    return [
      {
        path: 'time_range',
        problem: `holds ${what} of ${series} that has closed yet`,
        allowed: 'a range with a past',
        code: 'invalid_request',
      },
    ];
  });
  if (problems.length > 0) throw refusal(problems.slice(0, 10));
}
