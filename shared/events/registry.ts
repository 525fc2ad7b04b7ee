import { AppError } from '../domain/errors.ts';
import { aggTrades } from './agg-trades.ts';
import { buildGraph } from './build-graph.ts';
import { candles } from './candles.ts';
import { command } from './command.ts';
import type { EventContract } from './contract.ts';
import { coverageAdvanced } from './coverage-advanced.ts';
import { depth } from './depth.ts';
import { fetchShard } from './fetch-shard.ts';
import { gapDetected } from './gap-detected.ts';
import { queueEvent } from './queue-event.ts';
import { quotes } from './quotes.ts';
import { shardCompleted } from './shard-completed.ts';
import { shardVerified } from './shard-verified.ts';
import { tickers } from './tickers.ts';
import { trades } from './trades.ts';
import { train } from './train.ts';
import { workflowRequested } from './workflow-requested.ts';
import { workflowResumeRequested } from './workflow-resume-requested.ts';
import { workflowStopRequested } from './workflow-stop-requested.ts';
import { workflowTick } from './workflow-tick.ts';

/** Every event contract of the platform: one line for each file. */
export const CONTRACTS: readonly EventContract<unknown>[] = [
  candles,
  trades,
  aggTrades,
  quotes,
  depth,
  tickers,
  shardCompleted,
  coverageAdvanced,
  gapDetected,
  fetchShard,
  buildGraph,
  train,
  workflowRequested,
  workflowStopRequested,
  workflowResumeRequested,
  workflowTick,
  shardVerified,
  queueEvent,
  command,
];

const byType = new Map(CONTRACTS.map((contract) => [contract.type, contract]));

/** The contract of an event type. Throws `contract_mismatch` for a type that the platform does not have. */
export function contractOf(type: string): EventContract<unknown> {
  const contract = byType.get(type);
  if (contract !== undefined) return contract;
  const fields = [{ path: 'type', problem: 'is not an event type of the platform', allowed: [...byType.keys()].join(', ') }];
  throw new AppError('contract_mismatch', `There is no contract for events of type ${JSON.stringify(type.slice(0, 200))}.`, { fields });
}

/** True for the type of an event that the platform has a contract for. */
export function hasContract(type: string): boolean {
  return byType.has(type);
}
