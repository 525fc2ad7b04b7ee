import type { EventContract, EventMeta } from '../../shared/events/contract.ts';

/** What one golden file is built from: every field of the contract is in it, the optional ones too. */
export interface Sample {
  readonly name: string;
  readonly contract: EventContract<unknown>;
  readonly data: unknown;
  readonly meta: EventMeta;
}

/** Makes a sample; the data is checked against the contract's type. */
export function sample<Data>(contract: EventContract<Data>, data: Data, producer: string, time: number): Sample {
  const meta = { producer, time, traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };
  return { name: contract.type.slice('io.streamforge.'.length), contract, data, meta };
}

/** The first moment of the samples: 2024-08-01, and when they were received. */
export const from = 1_722_470_400_000;
export const received_at = 1_722_800_000_123;
