import type { BusRecord, PartitionBatch, Subscription, TopicPartition } from '../bus/bus.ts';
import { AppError, toAppError } from '../domain/errors.ts';
import { fromRecord } from '../events/kafka-codec.ts';
import type { Context } from './context.ts';
import { causeOf, contextFor } from './create-context.ts';
import type { DeadLetterWriter } from './dead-letters.ts';
import { GRACE_MS, HEARTBEAT_MS, LAG_EVERY_MS, REJOIN_FIRST_MS, RETRY_MAX_MS } from './defaults.ts';
import type { FunctionModule, TopicTrigger } from './define-function.ts';
import { deliverBatch, type Handler, type Receiver } from './deliver-batch.ts';
import { createTryCounter } from './try-counter.ts';

/** A trigger that reads topics, running. */
export interface Consumer {
  readonly name: string;
  readonly group: string;
  /** Why it makes no progress just now (its group is lost, the log or the store is away), else undefined. */
  blockedBy(): AppError | undefined;
  /** Stops and starts reading without leaving the group; a batch in flight goes on. */
  pause(): void;
  resume(): void;
  /**
   * Hands one record to the handler outside the group (the replay of a dead letter) and rejects with its failure. A job is claimed and begun, not waited
   * for; throws `state_conflict` while another one runs.
   */
  replay(record: BusRecord): Promise<void>;
  /** Begins no further event, waits for those in flight (aborted after `graceMs`), commits what is done, leaves the group. */
  stop(options?: { readonly graceMs?: number }): Promise<void>;
}

/** What a consumer needs of its function. `load` is called on the first batch. */
export interface ConsumerOptions<C> {
  readonly trigger: TopicTrigger;
  readonly load: () => Promise<FunctionModule<C>>;
  readonly context: Context<C>;
  readonly deadLetters: DeadLetterWriter;
}

/**
 * Reads a trigger's topics as its group: in order inside a partition, side by side over partitions. Throws where the group cannot be joined at all
 * (`not_found`).
 */
export async function startConsumer<C>(options: ConsumerOptions<C>): Promise<Consumer> {
  const { trigger, load, context, deadLetters } = options;
  const receiver = {
    triggerName: trigger.name,
    group: trigger.group,
    events: new Set(trigger.events),
    context,
    deadLetters,
    tries: createTryCounter(context, trigger.group),
  };
  let handler: Handler<C> | undefined;
  const member = await startMember({
    name: trigger.name,
    group: trigger.group,
    topics: trigger.topics,
    limits: {
      ...(trigger.maxBatchBytes === undefined ? {} : { maxBatchBytes: trigger.maxBatchBytes }),
      ...(trigger.maxBatchRecords === undefined ? {} : { maxBatchRecords: trigger.maxBatchRecords }),
      ...(trigger.concurrency === undefined ? {} : { concurrency: trigger.concurrency }),
    },
    context,
    async onBatch(batch, stopping, blocked) {
      handler ??= handlerOf(trigger, await load());
      await deliverBatch(batch, { ...receiver, handler, stopping, blocked });
    },
  });
  return {
    ...member,
    async replay(record) {
      const handler = handlerOf(trigger, await load());
      const event = fromRecord(record);
      const received = { event, position: record, group: trigger.group };
      const own = contextFor(context, causeOf(event), context.signal);
      if ('each' in handler) return handler.each(received, own);
      const [outcome] = await handler.together([received], own);
      if (outcome?.ok !== true) throw outcome?.error ?? new AppError('unclassified', 'The handler gave no outcome.');
    },
  };
}

/** A member of a group and what it does with a batch; rejecting hands the same records over again. */
export interface MemberOptions<C> {
  readonly name: string;
  readonly group: string;
  readonly topics: readonly string[];
  readonly limits: { readonly maxBatchBytes?: number; readonly maxBatchRecords?: number; readonly concurrency?: number };
  readonly context: Context<C>;
  readonly onBatch: (batch: PartitionBatch, stopping: AbortSignal, blocked: Receiver<C>['blocked']) => Promise<void>;
}

/** Joins a group and stays in it: says that long batches are alive, joins again when it was thrown out, measures its lag. */
export async function startMember<C>(options: MemberOptions<C>): Promise<Omit<Consumer, 'replay'>> {
  const { name, group, topics, limits, context, onBatch } = options;
  const { bus } = context.ports;
  const { clock, logger, metrics } = context;
  const stopping = new AbortController();
  const inFlight = new Set<PartitionBatch>();
  const waiting = new Map<string, AppError>();
  let lost: AppError | undefined;
  let gate: PromiseWithResolvers<void> | undefined;
  stopping.signal.addEventListener('abort', () => gate?.resolve());

  const blocked: Receiver<C>['blocked'] = (partition, error) => {
    if (error === undefined) waiting.delete(partition);
    else waiting.set(partition, error);
  };

  async function work(batch: PartitionBatch): Promise<void> {
    inFlight.add(batch);
    try {
      // Partitions that were assigned after `pause` are not paused at the bus: they wait here.
      await gate?.promise;
      if (stopping.signal.aborted) return;
      await onBatch(batch, stopping.signal, blocked);
      blocked(`${batch.topic}/${batch.partition}`, undefined);
    } catch (error) {
      const place = { trigger: name, topic: batch.topic, partition: batch.partition };
      // The partition has another owner: nothing is to be done here, and nothing was lost.
      if (batch.isStale() || toAppError(error).code === 'state_conflict') logger.info({ error, ...place }, 'The partition moved away.');
      else {
        blocked(`${batch.topic}/${batch.partition}`, toAppError(error));
        logger.error({ error, ...place }, 'The batch could not be finished and comes again.');
        throw error;
      }
    } finally {
      inFlight.delete(batch);
    }
  }

  function onUnreadable({ topic, partition }: TopicPartition, error: AppError | undefined): void {
    const place = `${topic}/${partition}`;
    if (error !== undefined && !waiting.has(place)) {
      logger.error({ error, trigger: name, topic, partition }, 'The log cannot be read here and is tried again until it can.');
    }
    blocked(place, error);
  }

  const join = async (): Promise<Subscription> => {
    const subscription = await bus.subscribe({ group, topics, ...limits, onBatch: work, onUnreadable });
    lost = undefined;
    return subscription;
  };

  let subscription = await join();
  const loops = [stay(), beat(), measure()];

  async function stay(): Promise<void> {
    for (let tries = 0; !stopping.signal.aborted; ) {
      try {
        await subscription.ended;
        return;
      } catch (error) {
        lost = toAppError(error);
        logger.error({ error, trigger: name, group }, 'The consumer lost its group and joins again.');
      }
      while (lost !== undefined && !stopping.signal.aborted) {
        await rest(Math.min(RETRY_MAX_MS, REJOIN_FIRST_MS * 2 ** tries++));
        if (stopping.signal.aborted) return;
        try {
          subscription = await join();
          tries = 0;
        } catch (error) {
          logger.warn({ error, trigger: name, group }, 'The group could not be joined.');
        }
      }
    }
  }

  async function beat(): Promise<void> {
    while (await rest(HEARTBEAT_MS)) {
      for (const batch of inFlight) {
        await batch.heartbeat().catch((error: unknown) => logger.debug({ error, trigger: name }, 'A heartbeat failed.'));
      }
    }
  }

  async function measure(): Promise<void> {
    do {
      try {
        const sums = new Map<string, number>(topics.map((topic) => [topic, 0]));
        for (const { topic, lag } of await bus.admin.lag(group, topics)) sums.set(topic, (sums.get(topic) ?? 0) + lag);
        for (const [topic, lag] of sums) metrics.gauge('streamforge_consumer_lag', lag, { group, topic });
      } catch (error) {
        logger.debug({ error, trigger: name, group }, 'The lag could not be measured.');
      }
    } while (await rest(LAG_EVERY_MS));
  }

  /** False when the consumer stops. */
  function rest(ms: number): Promise<boolean> {
    return clock.sleep(ms, stopping.signal).then(
      () => !stopping.signal.aborted,
      () => false,
    );
  }

  return {
    name,
    group,
    blockedBy: () => lost ?? waiting.values().next().value,
    pause() {
      gate ??= Promise.withResolvers();
      subscription.pause(subscription.assignment());
    },
    resume() {
      gate?.resolve();
      gate = undefined;
      subscription.resume(subscription.assignment());
    },
    async stop({ graceMs = GRACE_MS } = {}) {
      stopping.abort(new AppError('bus_unavailable', `The consumer ${name} stops.`));
      const known = subscription;
      await known.stop({ graceMs });
      await Promise.all(loops);
      // A group that was joined again in this very moment is left again.
      if (subscription !== known) await subscription.stop({ graceMs });
    },
  };
}

function handlerOf<C>(trigger: TopicTrigger, { handle, handleBatch }: FunctionModule<C>): Handler<C> {
  if (trigger.handler === 'handleBatch' && handleBatch !== undefined) return { together: handleBatch };
  if (trigger.handler === 'handle' && handle !== undefined) return { each: handle, atOnce: trigger.eventsAtOnce ?? 1 };
  throw new AppError(
    'invalid_setting',
    `The trigger ${trigger.name} names the handler ${trigger.handler}, which its module does not export.`,
  );
}
