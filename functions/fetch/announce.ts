import { parseSeriesId, type Series } from '../../shared/domain/series.ts';
import { telemetryId } from '../../shared/domain/workflow/messages.ts';
import type { FetchShard } from '../../shared/events/fetch-shard.ts';
import { queueEvent } from '../../shared/events/queue-event.ts';
import type { Context } from '../../shared/runtime/context.ts';
import type { WorkflowStore } from '../../shared/store/workflow-store.ts';

/** Attempts that are remembered as announced; a forgotten one is said again, with the same id. */
const MOST_REMEMBERED = 1_000;

const announced = new WeakMap<WorkflowStore, Set<string>>();

/** Says once for each attempt of a workflow that its rows are being loaded. The shards tell the rest by their verdicts. */
export async function announceLoading(shard: FetchShard, context: Context): Promise<void> {
  const said = announced.get(context.ports.workflows) ?? new Set();
  announced.set(context.ports.workflows, said);
  const key = `${shard.queue_id}:${shard.attempt}`;
  if (said.has(key)) return;
  said.add(key);
  for (const oldest of said) {
    if (said.size <= MOST_REMEMBERED) break;
    said.delete(oldest);
  }
  const series = parseSeriesId(shard.series);
  const now = context.clock.now();
  try {
    await context.publisher.publish(
      [
        queueEvent.build(
          {
            queue_id: shard.queue_id,
            attempt: shard.attempt,
            producer: telemetryId(series.kind === 'candles' ? 'loader-api-candles' : 'loader-api-trades', shard.queue_id),
            symbol: series.symbol,
            type: typeOf(series),
            status: 'loading',
            message: `Loading from ${series.exchange}.`,
            records_written: 0,
            finished: false,
            timestamp: now / 1_000,
            stage: 'load',
          },
          { producer: context.functionName, time: now },
        ),
      ],
      { signal: context.signal },
    );
  } catch (error) {
    said.delete(key);
    throw error;
  }
}

/** The workflow type that loads a series over REST: `api_candles_5m`, `api_trades`, `api_agg_trades`. */
function typeOf({ kind, interval }: Series): string {
  return `api_${kind.replaceAll('-', '_')}${interval === undefined ? '' : `_${interval}`}`;
}
