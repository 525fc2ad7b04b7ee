import type { z } from 'zod';
import { AppError } from '../domain/errors.ts';
import type { EventContract, EventMeta } from './contract.ts';
import type { StreamEvent } from './event.ts';
import { checkFields } from './field-problems.ts';

/** What makes one contract different from the next. */
export interface ContractDefinition<Data> {
  /** `shard-completed.v1`. */
  readonly name: string;
  readonly schema: z.ZodType<Data>;
  /** Every topic that its events may go to. */
  readonly topics: readonly string[];
  /** Which of them, where there are several. */
  readonly topic?: (data: Data) => string;
  readonly key: (data: Data) => string;
  /** The series or the queue id; default: the key. */
  readonly subject?: (data: Data) => string;
  /** The derived id: the same fact gives the same id, whoever sends it again. */
  readonly id: (data: Data, meta: EventMeta) => string;
  /** The workflow that the event belongs to; default: `meta.queueid`. */
  readonly queueId?: (data: Data) => string | undefined;
}

/** `io.streamforge.<name>`. */
export function eventType(name: string): string {
  return `io.streamforge.${name}`;
}

/** The attributes of an event of `definition`, around data that is known to be good. */
export function envelope<Data>(definition: ContractDefinition<Data>, data: Data, meta: EventMeta, id: string): StreamEvent<Data> {
  const key = definition.key(data);
  const queueid = definition.queueId?.(data) ?? meta.queueid;
  return {
    id,
    source: `/streamforge/${meta.producer}`,
    type: eventType(definition.name),
    subject: definition.subject?.(data) ?? key,
    time: isoTime(meta.time),
    dataschema: `urn:streamforge:${definition.name}`,
    partitionkey: key,
    ...(queueid === undefined ? {} : { queueid }),
    ...(meta.traceparent === undefined ? {} : { traceparent: meta.traceparent }),
    ...(meta.tracestate === undefined ? {} : { tracestate: meta.tracestate }),
    data,
  };
}

/** RFC 3339, UTC, with milliseconds. Throws `contract_mismatch` for a number that is no time. */
function isoTime(time: number): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) {
    const fields = [{ path: 'time', problem: 'is not a time', allowed: 'epoch milliseconds' }];
    throw new AppError('contract_mismatch', 'The time of an event is not a time in epoch milliseconds.', { fields });
  }
  return date.toISOString();
}

/** A contract whose data is checked whole by its schema, when it is built and when it is read. */
export function defineContract<Data>(definition: ContractDefinition<Data>): EventContract<Data> {
  const type = eventType(definition.name);
  const check = (data: unknown): Data => checkFields(definition.schema, data, `The data of ${type}`, 'contract_mismatch');
  return {
    type,
    schema: definition.schema,
    topics: definition.topics,
    topic: definition.topic ?? (() => definition.topics[0] as string),
    key: definition.key,
    build(data, meta) {
      check(data);
      return envelope(definition, data, meta, definition.id(data, meta));
    },
    parse(event) {
      return check(event.data);
    },
  };
}
