import { AppError } from '../../shared/domain/errors.ts';
import { gapDetected } from '../../shared/events/gap-detected.ts';
import type { Context } from '../../shared/runtime/context.ts';
import type { EventOutcome, ReceivedEvent } from '../../shared/runtime/define-function.ts';
import { isMarker, type ProvenMarker, proveMarker, writeLedger } from './prove.ts';
import { isRowEvent, writeRows } from './write-rows.ts';

const DONE: EventOutcome = { ok: true };

/**
 * Handles events of one partition. First all rows are upserted side by side (their order does not matter), then all markers are proven, the ledger is
 * written once for each series, and the verdicts are sent together. A marker behind rows of its series that could not be written is not judged: it comes
 * again with them.
 */
export async function handleBatch(received: readonly ReceivedEvent[], context: Context): Promise<readonly EventOutcome[]> {
  const outcomes: EventOutcome[] = await Promise.all(
    received.map((item) =>
      isMarker(item.event.type) ? DONE : settle(() => (isRowEvent(item.event.type) ? writeRows(item, context) : handleHint(item, context))),
    ),
  );
  const proven = new Map<number, ProvenMarker>();
  await Promise.all(
    received.map(async ({ event }, index) => {
      if (!isMarker(event.type)) return;
      outcomes[index] = await settle(async () => {
        const unwritten = outcomes.some(
          (outcome, before) => before < index && !outcome.ok && received[before]?.event.partitionkey === event.partitionkey,
        );
        if (unwritten)
          throw new AppError('store_unavailable', `The rows before the marker ${event.id} are not written yet.`, { id: event.id });
        proven.set(index, await proveMarker(event, context));
      });
    }),
  );
  await finish(proven, outcomes, context);
  return outcomes;
}

/** Writes the ledgers, then sends the verdicts: nobody hears of what is not durable. */
async function finish(proven: ReadonlyMap<number, ProvenMarker>, outcomes: EventOutcome[], context: Context): Promise<void> {
  const bySeries = Map.groupBy(proven, ([, marker]) => marker.series);
  await Promise.all(
    [...bySeries].map(async ([series, markers]) => {
      const written = await settle(() =>
        writeLedger(
          series,
          markers.map(([, marker]) => marker),
          context,
        ),
      );
      if (!written.ok) for (const [index] of markers) outcomes[index] = written;
    }),
  );
  const ready = [...proven].filter(([index, marker]) => marker.verdict !== undefined && outcomes[index]?.ok === true);
  if (ready.length === 0) return;
  const sent = await settle(() =>
    context.publisher.publish(
      ready.flatMap(([, marker]) => marker.verdict ?? []),
      { signal: context.signal },
    ),
  );
  if (!sent.ok) for (const [index] of ready) outcomes[index] = sent;
}

async function handleHint({ event }: ReceivedEvent, context: Context): Promise<void> {
  if (event.type !== gapDetected.type)
    throw new AppError('contract_mismatch', `sink does not handle events of type ${event.type}.`, { type: event.type });
  const { series, from, to, cause } = gapDetected.parse(event);
  context.logger.warn({ series, from, to, cause }, 'a gap was seen; the ledger decides');
}

async function settle(work: () => Promise<void>): Promise<EventOutcome> {
  try {
    await work();
    return DONE;
  } catch (error) {
    return { ok: false, error };
  }
}
