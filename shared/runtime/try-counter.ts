import type { RecordPosition } from '../bus/bus.ts';
import type { AppError } from '../domain/errors.ts';
import type { Context } from './context.ts';
import { MAX_UNCLASSIFIED_TRIES } from './defaults.ts';

/** Counts the failed tries of events whose errors nobody classified, where a restart does not forget them (`deliveries`). */
export interface TryCounter {
  /** Counts one more failed try; true where it was the last one. While the store cannot count, nothing is given up: false. */
  isExhausted(at: RecordPosition, error: AppError): Promise<boolean>;
  /** Forgets the tries of an event that is done. A failure is logged: a count that stays behind an offset is never read again. */
  forget(at: RecordPosition): Promise<void>;
}

/** The counter of one consumer group. */
export function createTryCounter<C>({ ports, clock, logger }: Context<C>, group: string): TryCounter {
  const keyOf = ({ topic, partition, offset }: RecordPosition) => ({ group, topic, partition, offset });
  return {
    async isExhausted(at, error) {
      try {
        return (await ports.workflows.countDelivery(keyOf(at), error.message, clock.now())) >= MAX_UNCLASSIFIED_TRIES;
      } catch (failure) {
        logger.warn({ error: failure, ...keyOf(at) }, 'The failed try could not be counted.');
        return false;
      }
    },
    async forget(at) {
      try {
        await ports.workflows.clearDelivery(keyOf(at));
      } catch (failure) {
        logger.warn({ error: failure, ...keyOf(at) }, 'The count of failed tries could not be cleared.');
      }
    },
  };
}
