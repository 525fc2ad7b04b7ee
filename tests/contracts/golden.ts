import { readFileSync } from 'node:fs';
import type { StreamEvent } from '../../shared/events/event.ts';

/** Where a golden file lies: a whole event in the JSON event format of CloudEvents. */
export function goldenPath(name: string): URL {
  return new URL(`./golden/${name}.json`, import.meta.url);
}

/** The golden event of a contract, as a consumer gets it: `golden('shard-completed.v1')`. Each call gives a fresh copy. */
export function golden(name: string): StreamEvent {
  const { specversion: _, datacontenttype: __, ...event } = JSON.parse(readFileSync(goldenPath(name), 'utf8')) as Record<string, unknown>;
  return event as unknown as StreamEvent;
}

/** How an event is written into a golden file. */
export function goldenText(event: StreamEvent): string {
  const { data, ...attributes } = event;
  return `${JSON.stringify({ specversion: '1.0', ...attributes, datacontenttype: 'application/json', data }, null, 2)}\n`;
}
