import type { z } from 'zod';
import type { StreamEvent } from './event.ts';

/** What the sender adds to the data of an event. */
export interface EventMeta {
  /** `/streamforge/<function>`: the function's name alone is given. */
  readonly producer: string;
  /** Market time of the last row, or the time of the act: epoch ms. */
  readonly time: number;
  /** The workflow that the event belongs to, where its data does not say it (market rows of a backfill). */
  readonly queueid?: string;
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/** One event contract: one file of `shared/events/` exports one of these. */
export interface EventContract<Data> {
  /** `io.streamforge.<name>.v<major>`. */
  readonly type: string;
  readonly schema: z.ZodType<Data>;
  /** Every topic that its events may go to. */
  readonly topics: readonly string[];
  /** The topic that an event with this data goes to. */
  topic(data: Data): string;
  /** The record key, also `partitionkey`. */
  key(data: Data): string;
  /** Builds the event: derived id, source, subject, dataschema, queueid. Throws `contract_mismatch` for data that breaks the contract. */
  build(data: Data, meta: EventMeta): StreamEvent<Data>;
  /** Checks the data of a received event: throws `contract_mismatch` with the path of each bad field. Unknown fields are kept. */
  parse(event: StreamEvent): Data;
}
