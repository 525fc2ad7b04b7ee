import type { Interval } from '../interval.ts';
import type { CandleTable } from './candle-table.ts';
import type { EdgeTable } from './edge-table.ts';
import { FEATURE_NAMES, FEATURE_VERSION, features } from './features.ts';
import type { GraphParams, Relation } from './graph.ts';
import { createGrid, type MarketGrid } from './grid.ts';
import { graphId } from './identity.ts';
import { corrEdges, leadEdges } from './market-edges.ts';
import { nextEdges, visibleEdges } from './time-edges.ts';

/** Changes with anything that makes another graph of the same rows; part of every graph id. */
export const BUILDER_VERSION = '1';

/** What a graph is built from. `tables` has one table a symbol, in the order of `symbols`. */
export interface GraphInput {
  readonly exchange: string;
  readonly interval: Interval;
  readonly symbols: readonly string[];
  /** Half-open, epoch ms. */
  readonly from: number;
  readonly to: number;
  readonly params: GraphParams;
  readonly tables: readonly CandleTable[];
}

/** A graph in memory: typed arrays only, so that it moves between threads without a copy. */
export interface BuiltGraph {
  readonly graphId: string;
  readonly grid: MarketGrid;
  /** Row-major `[nodes, features]`. */
  readonly x: Float64Array;
  readonly edges: Readonly<Record<Relation, EdgeTable>>;
  readonly featureNames: readonly string[];
  readonly featureVersion: string;
  readonly builderVersion: string;
}

/** Builds a graph as `README.md` beside this file has it: the same input gives the same graph, byte for byte. Throws as `createGrid` does. */
export function buildGraph(input: GraphInput): BuiltGraph {
  const grid = createGrid(input.symbols, input.interval, input.from, input.to, input.tables);
  return {
    graphId: graphId(input, { builder: BUILDER_VERSION, features: FEATURE_VERSION }),
    grid,
    x: features(grid),
    edges: {
      next: nextEdges(grid, input.params),
      visible: visibleEdges(grid, input.params),
      corr: corrEdges(grid, input.params),
      leads: leadEdges(grid, input.params),
    },
    featureNames: FEATURE_NAMES,
    featureVersion: FEATURE_VERSION,
    builderVersion: BUILDER_VERSION,
  };
}
