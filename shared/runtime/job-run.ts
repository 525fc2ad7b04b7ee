import type { BusRecord, PartitionBatch } from '../bus/bus.ts';
import { AppError, toAppError } from '../domain/errors.ts';
import type { StreamEvent } from '../events/event.ts';
import { fromRecord } from '../events/kafka-codec.ts';
import { hasContract } from '../events/registry.ts';
import type { Context } from './context.ts';
import { causeOf, contextFor } from './create-context.ts';
import type { DeadLetterWriter } from './dead-letters.ts';
import { RENEWALS_PER_LEASE } from './defaults.ts';
import type { FunctionModule, JobContext, JobTrigger, ReceivedEvent } from './define-function.ts';
import { decide, retryDelayMs } from './delivery.ts';
import { createTryCounter, type TryCounter } from './try-counter.ts';

/** What a job trigger needs of its function. */
export interface JobRunnerOptions<C> {
  readonly trigger: JobTrigger;
  readonly load: () => Promise<FunctionModule<C>>;
  readonly context: Context<C>;
  readonly deadLetters: DeadLetterWriter;
}

/** `failed`: its message is in the dead letters. `broken`: it ended without a result, and its claim runs out. `skipped`: there was nothing to do here. */
export type Ending = 'done' | 'failed' | 'broken' | 'lost' | 'stopped' | 'skipped';
interface Message {
  readonly record: BusRecord;
  readonly event: StreamEvent;
}

/** One message from claim to end. */
export class JobRun<C> {
  readonly #options: JobRunnerOptions<C>;
  readonly #batch: PartitionBatch;
  readonly #killed: AbortSignal;
  readonly #lost = new AbortController();
  readonly #token: string;
  readonly #tries: TryCounter;
  #leasedUntil = 0;
  #ending: Ending | undefined;

  constructor(options: JobRunnerOptions<C>, batch: PartitionBatch, killed: AbortSignal) {
    this.#options = options;
    this.#batch = batch;
    this.#killed = killed;
    this.#token = options.context.random.id(24);
    this.#tries = createTryCounter(options.context, options.trigger.group);
  }

  /** How it ended, once it has. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  /** Claims and commits; returns what starts the work, or undefined where there is none to do here. */
  async claim(stopping: AbortSignal): Promise<(() => Promise<void>) | undefined> {
    const { trigger, context } = this.#options;
    const record = this.#batch.records[0] as BusRecord;
    const message = await this.#read(record, stopping);
    if (message === undefined) {
      await this.#batch.commit(record.offset + 1);
      this.#ending ??= 'skipped';
      return undefined;
    }
    const key = trigger.claimKey(message.event);
    const now = context.clock.now();
    const { granted } = await context.ports.workflows.acquireClaim(key, this.#token, now, trigger.leaseMs);
    this.#leasedUntil = now + trigger.leaseMs;
    try {
      await this.#batch.commit(record.offset + 1);
    } catch (error) {
      if (!granted) throw error;
      // The message comes again, here or elsewhere, and meets this claim: the work is ours all the same.
      context.logger.warn({ error, key, trigger: trigger.name }, 'The message of a claimed job could not be committed.');
    }
    if (granted) return () => this.#work(message, key);
    context.logger.info({ key, trigger: trigger.name }, 'The job is done or claimed elsewhere: left alone.');
    this.#ended('skipped');
    return undefined;
  }

  async #read(record: BusRecord, stopping: AbortSignal): Promise<Message | undefined> {
    const { trigger, context, deadLetters } = this.#options;
    try {
      const event = fromRecord(record);
      if (trigger.events.includes(event.type)) return { record, event };
      if (!hasContract(event.type))
        throw new AppError('contract_mismatch', `There is no contract for events of type ${JSON.stringify(event.type)}.`);
      context.metrics.count('streamforge_events_handled_total', { ...this.#labels, outcome: 'ignored' });
    } catch (error) {
      const stop = AbortSignal.any([this.#batch.signal, stopping]);
      await deadLetters.write({ record, group: trigger.group, trigger: trigger.name }, toAppError(error), stop);
      this.#ending = 'failed';
    }
    return undefined;
  }

  async #work(message: Message, key: string): Promise<void> {
    const { context } = this.#options;
    const over = new AbortController();
    const renewing = this.#renew(key, over.signal);
    const started = performance.now();
    try {
      this.#ended(await this.#settle(message, key));
    } catch (error) {
      // The claim stays and expires: the tick sends the message again.
      context.logger.error({ error, key, trigger: this.#options.trigger.name }, 'The job could not be brought to an end.');
      this.#ended('broken');
    } finally {
      context.metrics.observe('streamforge_handler_seconds', (performance.now() - started) / 1000, this.#labels);
      over.abort();
      await renewing;
    }
  }

  async #settle(message: Message, key: string): Promise<Ending> {
    try {
      return await this.#tryUntilSettled(message, key, AbortSignal.any([this.#lost.signal, this.#killed]));
    } catch (error) {
      if (this.#lost.signal.aborted) return 'lost';
      if (!this.#killed.aborted) throw error;
      // The lease ends at once, so that the tick does not have to wait for it.
      const { clock, ports } = this.#options.context;
      await ports.workflows.renewClaim(key, this.#token, clock.now());
      return 'stopped';
    }
  }

  async #tryUntilSettled(message: Message, key: string, signal: AbortSignal): Promise<Ending> {
    const { trigger, context, deadLetters } = this.#options;
    const job = this.#jobContext(message, key, signal);
    for (let tries = 1; ; tries++) {
      try {
        await this.#run({ event: message.event, position: message.record, group: trigger.group }, job);
        break;
      } catch (thrown) {
        signal.throwIfAborted();
        const error = toAppError(thrown);
        const decision = decide(error);
        if (decision === 'acknowledge') break;
        if (decision === 'dead-letter' || (decision === 'retry-limited' && (await this.#tries.isExhausted(message.record, error)))) {
          await deadLetters.write({ ...message, group: trigger.group, trigger: trigger.name }, error, signal);
          await this.#tries.forget(message.record);
          // Free, not done: a replay of the dead letter claims it again.
          await this.#release(key, false, signal);
          return 'failed';
        }
        context.metrics.count('streamforge_events_retried_total', { ...this.#labels, code: error.code });
        await this.#pause(error, tries, signal, job.logger);
      }
    }
    await this.#release(key, true, signal);
    return 'done';
  }

  async #run(received: ReceivedEvent, job: JobContext<C>): Promise<void> {
    const { trigger, load } = this.#options;
    const { runJob } = await load();
    if (runJob === undefined) throw new AppError('invalid_setting', `The module of ${trigger.name} exports no runJob.`);
    await runJob(received, job);
  }

  /** The result is written: only the claim is left, and the store may be away for a while. */
  async #release(key: string, done: boolean, signal: AbortSignal): Promise<void> {
    const { context } = this.#options;
    for (let tries = 1; ; tries++) {
      try {
        await context.ports.workflows.releaseClaim(key, this.#token, done);
        return;
      } catch (error) {
        await this.#pause(toAppError(error), tries, signal, context.logger);
      }
    }
  }

  async #pause(error: AppError, tries: number, signal: AbortSignal, logger: Context<C>['logger']): Promise<void> {
    const { trigger, context } = this.#options;
    const delayMs = Math.round(retryDelayMs(error, tries, context.random));
    logger.warn({ error, tries, delay_ms: delayMs, trigger: trigger.name }, 'The job failed and is tried again.');
    await context.clock.sleep(delayMs, signal);
  }

  #jobContext({ event }: Message, key: string, signal: AbortSignal): JobContext<C> {
    const { context } = this.#options;
    return {
      ...contextFor(context, causeOf(event), signal),
      claim: { key, token: this.#token },
      holdsClaim: async () => {
        if (signal.aborted) return false;
        const claim = await context.ports.workflows.readClaim(key);
        return claim !== undefined && claim.token === this.#token && !claim.done && claim.until > context.clock.now();
      },
    };
  }

  /** Runs beside the handler until the job is over. A renewal that fails is tried at the next beat, until the lease is over by our own clock. */
  async #renew(key: string, over: AbortSignal): Promise<void> {
    const { trigger, context } = this.#options;
    const { clock, logger } = context;
    while (!over.aborted) {
      try {
        await clock.sleep(trigger.leaseMs / RENEWALS_PER_LEASE, over);
      } catch {
        return;
      }
      const until = clock.now() + trigger.leaseMs;
      try {
        if (await context.ports.workflows.renewClaim(key, this.#token, until)) this.#leasedUntil = until;
        else this.#leasedUntil = 0;
      } catch (error) {
        logger.warn({ error, key, trigger: trigger.name }, 'The lease could not be renewed.');
      }
      if (over.aborted || this.#leasedUntil > clock.now()) continue;
      logger.warn({ key, trigger: trigger.name }, 'The claim was lost: the job is aborted and writes nothing more.');
      this.#lost.abort(new AppError('state_conflict', `The claim ${key} was lost to another.`));
      return;
    }
  }

  #ended(job: Ending): void {
    this.#ending = job;
    this.#options.context.metrics.count('streamforge_jobs_total', { ...this.#labels, job });
  }

  get #labels(): { readonly function: string; readonly trigger: string } {
    return { function: this.#options.context.functionName, trigger: this.#options.trigger.name };
  }
}
