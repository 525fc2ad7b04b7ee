import fc from 'fast-check';
import type { StreamEvent } from '../../shared/events/event.ts';

/** A small event; any attribute may be set. */
export function anEvent(overrides: Partial<StreamEvent> = {}): StreamEvent {
  return {
    id: 'binance:BTCUSDT:trades:1:2:abc',
    source: '/streamforge/fetch',
    type: 'io.streamforge.trades.v1',
    subject: 'binance:BTCUSDT:trades',
    time: '2024-08-01T00:00:00.000Z',
    partitionkey: 'binance:BTCUSDT:trades',
    data: { rows: [{ id: 1 }] },
    ...overrides,
  };
}

/** Text that an attribute may have: any character but controls, lone surrogates and noncharacters (CloudEvents 1.0, "Type system"). */
const attributeText = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 60 })
  .filter((text) => text.isWellFormed() && !/[\p{Cc}\p{Noncharacter_Code_Point}]/u.test(text));

const uriReference = fc.webPath().map((path) => `/streamforge${path.replace(/[^\w/.~-]/g, '')}`);

/** Times as senders write them: milliseconds, microseconds, an offset. */
const time = fc
  .tuple(
    fc.date({ min: new Date(0), max: new Date('2199-12-31'), noInvalidDate: true }),
    fc.constantFrom('', '456', '456789'),
    fc.constantFrom('Z', '+02:00'),
  )
  .map(([date, below, zone]) => date.toISOString().replace('Z', `${below}${zone}`));

const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });

/** Any event that the platform can carry. */
export const arbitraryEvent: fc.Arbitrary<StreamEvent> = fc
  .record({
    id: attributeText,
    source: uriReference,
    type: attributeText,
    subject: optional(attributeText),
    time,
    dataschema: optional(fc.webUrl().map((url) => url.slice(0, 200).replace(/%[^%]?$/, ''))),
    partitionkey: attributeText,
    queueid: optional(attributeText),
    traceparent: optional(attributeText),
    tracestate: optional(attributeText),
    sequence: optional(attributeText),
    data: fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown),
  })
  .map((record) => Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as unknown as StreamEvent);
