import type { BusRecord, PartitionBatch } from '../bus/bus.ts';
import { AppError, toAppError } from '../domain/errors.ts';
import type { StreamEvent } from '../events/event.ts';
import { fromRecordLater } from '../events/kafka-codec.ts';
import { hasContract } from '../events/registry.ts';
import type { Context } from './context.ts';
import { type Cause, causeOf, commonCause, contextFor } from './create-context.ts';
import type { DeadLetterWriter } from './dead-letters.ts';
import { COMMIT_EVERY_MS } from './defaults.ts';
import type { BatchHandler, EventHandler, EventOutcome, ReceivedEvent } from './define-function.ts';
import { decide, retryDelayMs } from './delivery.ts';
import type { TryCounter } from './try-counter.ts';

/** A handler of single events, so many of a partition at once, or of all events that were read together. */
export type Handler<C> = { readonly each: EventHandler<C>; readonly atOnce: number } | { readonly together: BatchHandler<C> };

/** A trigger as delivery sees it. */
export interface Receiver<C> {
  readonly triggerName: string;
  readonly group: string;
  /** Types that the handler takes. */
  readonly events: ReadonlySet<string>;
  readonly handler: Handler<C>;
  readonly context: Context<C>;
  readonly deadLetters: DeadLetterWriter;
  readonly tries: TryCounter;
  /** Aborts when no further event may be begun; the batch's own signal ends the one in flight. */
  readonly stopping: AbortSignal;
  /** Told what a partition waits for, and that it waits no more (`undefined`): readiness follows from it. */
  readonly blocked: (partition: string, error: AppError | undefined) => void;
}

/** A record as it was read: an event for the handler, one that nobody here takes, or what is wrong with it. */
type Item = { readonly record: BusRecord } & ({ readonly event: StreamEvent; readonly taken: boolean } | { readonly error: AppError });
type Taken = { readonly record: BusRecord; readonly event: StreamEvent };

/**
 * Delivers one batch of a partition in order and commits what is done: after the handler resolved, or after the dead letter is durable. A retry is waited
 * for in place, so nothing overtakes it but what its handler was given together with it, and that comes again with it. Returns early, with what is done committed, when `stopping` or the batch's signal aborts;
 * rejects where the commit fails.
 */
export async function deliverBatch<C>(batch: PartitionBatch, receiver: Receiver<C>): Promise<void> {
  await new BatchDelivery(batch, receiver).run();
}

class BatchDelivery<C> {
  readonly #batch: PartitionBatch;
  readonly #receiver: Receiver<C>;
  readonly #context: Context<C>;
  readonly #labels: { readonly function: string; readonly trigger: string };
  readonly #stop: AbortSignal;
  /** Next offset to read, as far as the work is done. */
  #done: number;
  #committed: number;
  #committedAt: number;

  constructor(batch: PartitionBatch, receiver: Receiver<C>) {
    this.#batch = batch;
    this.#receiver = receiver;
    this.#context = receiver.context;
    this.#labels = { function: receiver.context.functionName, trigger: receiver.triggerName };
    this.#stop = AbortSignal.any([batch.signal, receiver.stopping]);
    this.#done = this.#committed = batch.records[0]?.offset ?? 0;
    this.#committedAt = this.#context.clock.now();
  }

  async run(): Promise<void> {
    const items = this.#batch.records.map((record) => this.#read(record));
    try {
      for (let at = 0; at < items.length && !this.#stop.aborted; ) {
        const item = items[at] as Item;
        if ('error' in item) {
          await this.#settle(item, item.error, 1);
          at += 1;
        } else if (!item.taken) {
          this.#finish(item, 'ignored');
          at += 1;
        } else {
          const run = takenFrom(items, at);
          await this.#deliver(run);
          at += run.length;
        }
      }
    } catch (error) {
      // A wait or a handler that ended with the signal: what is done is committed, the rest comes again.
      if (!this.#stop.aborted) throw error;
    } finally {
      this.#receiver.blocked(this.#partition, undefined);
    }
    await this.#commit();
  }

  get #partition(): string {
    return `${this.#batch.topic}/${this.#batch.partition}`;
  }

  #read(record: BusRecord): Item {
    try {
      const event = fromRecordLater(record);
      const taken = this.#receiver.events.has(event.type);
      if (taken || hasContract(event.type)) return { record, event, taken };
      return { record, error: new AppError('contract_mismatch', `There is no contract for events of type ${JSON.stringify(event.type)}.`) };
    } catch (error) {
      const known = toAppError(error);
      return { record, error: known.meaning === 'permanent' ? known : new AppError('unparsable_event', known.message, {}, known) };
    }
  }

  /** Hands events over, as many a call as the handler takes; after a call that failed as a whole one by one, so that the one that cannot be handled is found. */
  async #deliver(run: readonly Taken[]): Promise<void> {
    const { handler } = this.#receiver;
    let width = 'each' in handler ? handler.atOnce : Number.POSITIVE_INFINITY;
    let tries = 0;
    for (let at = 0; at < run.length; ) {
      this.#stop.throwIfAborted();
      const part = at === 0 && run.length <= width ? run : run.slice(at, at + width);
      const outcomes = await this.#call(part);
      if (outcomes === undefined) {
        width = 1;
        continue;
      }
      const settled = await this.#settleInOrder(part, outcomes, tries + 1);
      tries = settled === 0 ? tries + 1 : settled < part.length ? 1 : 0;
      at += settled;
      if (at < run.length && this.#context.clock.now() - this.#committedAt >= COMMIT_EVERY_MS) await this.#commit();
    }
  }

  /** One call of the handler. Undefined where it threw and the failure cannot be laid on one event. */
  async #call(part: readonly Taken[]): Promise<readonly EventOutcome[] | undefined> {
    const { group } = this.#receiver;
    const received = part.map(({ event, record }): ReceivedEvent => ({ event, position: record, group }));
    const started = performance.now();
    try {
      const outcomes = await this.#handle(received);
      if (outcomes.length === part.length) return outcomes;
      throw new AppError('unclassified', `The handler gave ${outcomes.length} outcomes for ${part.length} events.`);
    } catch (error) {
      this.#batch.signal.throwIfAborted();
      const failure: EventOutcome = { ok: false, error };
      if (part.length === 1 || decide(toAppError(error)) === 'retry') return [failure];
      return undefined;
    } finally {
      this.#context.metrics.observe('streamforge_handler_seconds', (performance.now() - started) / 1000, this.#labels);
    }
  }

  async #handle(received: readonly ReceivedEvent[]): Promise<readonly EventOutcome[]> {
    const { handler } = this.#receiver;
    const contextOf = (cause: Cause | undefined): Context<C> => contextFor(this.#context, cause, this.#batch.signal);
    if ('together' in handler) return handler.together(received, contextOf(commonCause(received.map(({ event }) => event))));
    return Promise.all(received.map((one) => outcomeOf(() => handler.each(one, contextOf(causeOf(one.event))))));
  }

  /** Goes through outcomes up to the first one that has to be tried again, waits for it, and returns how many are settled. */
  async #settleInOrder(part: readonly Taken[], outcomes: readonly EventOutcome[], tries: number): Promise<number> {
    let handled = 0;
    try {
      for (let index = 0; index < part.length; index++) {
        const item = part[index] as Taken;
        const outcome = outcomes[index] as EventOutcome;
        if (outcome.ok) {
          this.#done = item.record.offset + 1;
          handled += 1;
          if (index === 0 && tries > 1) await this.#receiver.tries.forget(item.record);
        } else {
          // Why an event was dropped on demand says nothing about it: it comes again at the owner of its partition.
          this.#batch.signal.throwIfAborted();
          if ((await this.#settle(item, toAppError(outcome.error), index === 0 ? tries : 1)) === 'again') return index;
        }
      }
      this.#receiver.blocked(this.#partition, undefined);
      return part.length;
    } finally {
      if (handled > 0) this.#count('handled', handled);
    }
  }

  /** Decides over one failed event. `again`: it was waited for, and is to be handed over once more. */
  async #settle(
    item: { readonly record: BusRecord; readonly event?: StreamEvent },
    error: AppError,
    tries: number,
  ): Promise<'done' | 'again'> {
    const decision = decide(error);
    if (decision === 'acknowledge') {
      this.#logger(item).info({ error, ...this.#place(item.record) }, 'The event was done before: acknowledged.');
      this.#finish(item, 'acknowledged');
      return 'done';
    }
    if (decision === 'dead-letter' || (decision === 'retry-limited' && (await this.#receiver.tries.isExhausted(item.record, error)))) {
      const { deadLetters, group } = this.#receiver;
      await deadLetters.write({ ...item, group, trigger: this.#receiver.triggerName }, error, this.#stop);
      if (decision === 'retry-limited') await this.#receiver.tries.forget(item.record);
      this.#finish(item, 'dead-lettered');
      return 'done';
    }
    await this.#waitToRetry(item, error, tries);
    return 'again';
  }

  async #waitToRetry(item: { readonly record: BusRecord; readonly event?: StreamEvent }, error: AppError, tries: number): Promise<void> {
    const delayMs = Math.round(retryDelayMs(error, tries, this.#context.random));
    this.#context.metrics.count('streamforge_events_retried_total', { ...this.#labels, code: error.code });
    this.#logger(item).warn({ error, tries, delay_ms: delayMs, ...this.#place(item.record) }, 'The event failed and is tried again.');
    this.#receiver.blocked(this.#partition, error);
    await this.#commit();
    await this.#context.clock.sleep(delayMs, this.#stop);
  }

  #finish({ record }: { readonly record: BusRecord }, outcome: 'acknowledged' | 'ignored' | 'dead-lettered'): void {
    this.#done = record.offset + 1;
    this.#count(outcome, 1);
  }

  async #commit(): Promise<void> {
    this.#committedAt = this.#context.clock.now();
    if (this.#done <= this.#committed || this.#batch.isStale() || this.#batch.signal.aborted) return;
    await this.#batch.commit(this.#done);
    this.#committed = this.#done;
  }

  #count(outcome: string, by: number): void {
    this.#context.metrics.count('streamforge_events_handled_total', { ...this.#labels, outcome }, by);
  }

  #place({ topic, partition, offset }: BusRecord): Record<string, unknown> {
    return { trigger: this.#receiver.triggerName, topic, partition, offset };
  }

  #logger({ event }: { readonly event?: StreamEvent }): Context<C>['logger'] {
    return event === undefined ? this.#context.logger : contextFor(this.#context, causeOf(event), this.#batch.signal).logger;
  }
}

async function outcomeOf(work: () => Promise<void>): Promise<EventOutcome> {
  try {
    await work();
    return { ok: true };
  } catch (error) {
    return { ok: false, error };
  }
}

/** The events from `at` on that the handler takes, up to the next record that is something else. */
function takenFrom(items: readonly Item[], at: number): readonly Taken[] {
  const run: Taken[] = [];
  for (let index = at; index < items.length; index++) {
    const item = items[index] as Item;
    if ('error' in item || !item.taken) break;
    run.push(item);
  }
  return run;
}
