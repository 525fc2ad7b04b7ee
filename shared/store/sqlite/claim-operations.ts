import type { Claim, DeliveryKey } from '../workflow-store.ts';
import type { Database } from './database.ts';
import { read, write } from './operation.ts';

/** A dead letter as its line holds it. `key` names topic, partition, offset, group and row: the same letter twice is one. */
export interface DeadLetterLine {
  readonly key: string;
  readonly topic: string;
  readonly queue_id: string | null;
  readonly document: string;
}

/** Claims of one step of forgetting: a few milliseconds. */
const CLAIMS_AT_ONCE = 2_000;

/** What the worker does for claims, deliveries and dead letters. */
export function createClaimOperations(database: Database) {
  const sql = (text: string) => database.statement(text);

  const readClaim = (key: string): Claim | undefined => {
    const line = sql('SELECT token, until, done FROM claims WHERE key = ?').get(key);
    return line === undefined ? undefined : { key, token: line.token as string, until: line.until as number, done: line.done === 1 };
  };

  const ofDelivery = ({ group, topic, partition, offset }: DeliveryKey) => [group, topic, partition, offset] as const;

  return {
    acquireClaim: write(
      (args: {
        readonly key: string;
        readonly token: string;
        readonly now: number;
        readonly until: number;
      }): { granted: boolean; claim: Claim } => {
        const { key, token, now, until } = args;
        const held = readClaim(key);
        if (held !== undefined && (held.done || (held.until > now && held.token !== token))) return { granted: false, claim: held };
        sql('INSERT OR REPLACE INTO claims (key, token, until, done) VALUES (?, ?, ?, 0)').run(key, token, until);
        return { granted: true, claim: { key, token, until, done: false } };
      },
    ),

    renewClaim: write(({ key, token, until }: { readonly key: string; readonly token: string; readonly until: number }): boolean => {
      return sql('UPDATE claims SET until = ? WHERE key = ? AND token = ? AND done = 0').run(until, key, token).changes === 1;
    }),

    releaseClaim: write(({ key, token, done }: { readonly key: string; readonly token: string; readonly done: boolean }): boolean => {
      const statement = done
        ? sql('UPDATE claims SET done = 1 WHERE key = ? AND token = ?')
        : sql('DELETE FROM claims WHERE key = ? AND token = ? AND done = 0');
      return statement.run(key, token).changes === 1;
    }),

    readClaim: read(readClaim),

    expiredClaims: read(({ prefix, now }: { readonly prefix: string; readonly now: number }): Claim[] =>
      sql(
        'SELECT key, token, until FROM claims WHERE done = 0 AND key >= ?1 AND substr(key, 1, length(?1)) = ?1 AND until <= ?2 ORDER BY key',
      )
        .all(prefix, now)
        .map((line) => ({ key: line.key as string, token: line.token as string, until: line.until as number, done: false })),
    ),

    forgetClaims: write((before: number): number =>
      Number(sql('DELETE FROM claims WHERE key IN (SELECT key FROM claims WHERE until < ? LIMIT ?)').run(before, CLAIMS_AT_ONCE).changes),
    ),

    countDelivery: write((args: { readonly delivery: DeliveryKey; readonly error: string; readonly at: number }): number => {
      const line = sql(
        `INSERT INTO deliveries (consumer_group, topic, "partition", "offset", tries, error, at) VALUES (?, ?, ?, ?, 1, ?, ?)
         ON CONFLICT DO UPDATE SET tries = tries + 1, error = excluded.error, at = excluded.at RETURNING tries`,
      ).get(...ofDelivery(args.delivery), args.error, args.at);
      return line?.tries as number;
    }),

    clearDelivery: write((delivery: DeliveryKey): void => {
      sql('DELETE FROM deliveries WHERE consumer_group = ? AND topic = ? AND "partition" = ? AND "offset" = ?').run(
        ...ofDelivery(delivery),
      );
    }),

    putDeadLetters: write((letters: readonly DeadLetterLine[]): void => {
      const put = sql(
        `INSERT INTO dead_letters (letter_key, topic, queue_id, document) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET queue_id = excluded.queue_id, document = excluded.document`,
      );
      for (const { key, topic, queue_id, document } of letters) put.run(key, topic, queue_id, document);
    }),

    listDeadLetters: read((args: { readonly topic: string | null; readonly queueId: string | null; readonly limit: number }): string[] =>
      sql('SELECT document FROM dead_letters WHERE (?1 IS NULL OR topic = ?1) AND (?2 IS NULL OR queue_id = ?2) ORDER BY id DESC LIMIT ?3')
        .all(args.topic, args.queueId, args.limit)
        .map(({ document }) => document as string),
    ),
  };
}
