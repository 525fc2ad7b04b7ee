import type { TopicDeclaration } from '../bus/bus.ts';
import type { Origin } from '../domain/rows.ts';
import { EXCHANGES, KINDS, type Kind } from '../domain/series.ts';

const DAY_MS = 86_400_000;

/** Commands to the long-lived components: a nudge and a record. One partition, so that everyone reads one order. */
export const QUEUE_CONTROL = 'queue-control';
/** One graph build a record. */
export const BUILD_GRAPH_TOPIC = 'queue-control.build-graph';
/** One training a record. */
export const TRAIN_TOPIC = 'queue-control.train';
/** What was asked for and what every component did: the truth about a workflow. */
export const QUEUE_EVENTS = 'queue-events';

/** Shards of history to fetch from one exchange: `queue-control.fetch.binance`. */
export function fetchTopic(exchange: string): string {
  return `queue-control.fetch.${exchange}`;
}

/** Where events of a topic go that could not be handled. */
export function deadLetterTopic(topic: string): string {
  return `${topic}.dlq`;
}

/** True for a dead-letter topic: what fails there is not dead-lettered again. */
export function isDeadLetterTopic(topic: string): boolean {
  return topic.endsWith('.dlq');
}

/** Kinds that have a past: the exchange gives their history again. */
const WITH_HISTORY: readonly Kind[] = ['candles', 'bars', 'trades', 'agg-trades'];

/** Bars travel with the candles: same rows, origin `derived`. */
function stem(kind: Kind): string {
  return `market.${kind === 'bars' ? 'candles' : kind}`;
}

/** The topic of the present of a kind: `market.trades`. */
export function liveTopic(kind: Kind): string {
  return stem(kind);
}

/** The topic of the past of a kind: `market.trades.history`; a kind without history has only its present. */
export function historyTopic(kind: Kind): string {
  return WITH_HISTORY.includes(kind) ? `${stem(kind)}.history` : stem(kind);
}

/** Where rows go: what an exchange was asked for again is the past, what it pushed or we derived is the present. */
export function rowsTopic(kind: Kind, origin: Origin): string {
  return origin === 'ws' || origin === 'derived' ? liveTopic(kind) : historyTopic(kind);
}

const distinct = (topics: readonly string[]): readonly string[] => [...new Set(topics)];

/** The topics of the present, each once. */
export const LIVE_TOPICS = distinct(KINDS.map(liveTopic));
/** The topics of the past, each once. */
export const HISTORY_TOPICS = distinct(WITH_HISTORY.map(historyTopic));

function declare(name: string, partitions: number, days: number): TopicDeclaration[] {
  return [
    { name, partitions, retentionMs: days * DAY_MS },
    { name: deadLetterTopic(name), partitions, retentionMs: 30 * DAY_MS },
  ];
}

const marketTopics = [...new Set(KINDS.flatMap((kind) => [liveTopic(kind), historyTopic(kind)]))];

/**
 * Every topic of the platform with its dead-letter topic, declared here and nowhere else: bootstrap, manifests and access rights follow from it.
 * Partition counts never change: keys would move.
 */
export const TOPICS: readonly TopicDeclaration[] = [
  ...marketTopics.flatMap((name) => declare(name, 12, 7)),
  ...declare(QUEUE_CONTROL, 1, 7),
  ...EXCHANGES.flatMap((exchange) => declare(fetchTopic(exchange), 12, 7)),
  ...declare(BUILD_GRAPH_TOPIC, 3, 7),
  ...declare(TRAIN_TOPIC, 3, 7),
  ...declare(QUEUE_EVENTS, 12, 30),
];
