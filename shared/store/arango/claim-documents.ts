import type { Claim, DeadLetterDocument, DeliveryKey } from '../workflow-store.ts';
import type { ArangoPort } from './arango-port.ts';
import {
  ACQUIRE_CLAIM,
  CLEAR_DELIVERY,
  COUNT_DELIVERY,
  EXPIRED_CLAIMS,
  FINISH_CLAIM,
  FORGET_CLAIMS,
  FREE_CLAIM,
  LIST_DEAD_LETTERS,
  PUT_DEAD_LETTERS,
  RENEW_CLAIM,
} from './claim-statements.ts';
import { compositeKey, documentKey } from './document-key.ts';
import { READ_DOCUMENT } from './workflow-statements.ts';

/** Claims of one step of forgetting. */
const CLAIMS_AT_ONCE = 2_000;
/** A statement that lost against another's meets the winner's document when it is tried again. */
const RACING = { retryDuplicates: true };

/** Claims, tries of deliveries and dead letters. */
export class ClaimDocuments {
  readonly #port: ArangoPort;

  constructor(port: ArangoPort) {
    this.#port = port;
  }

  async acquire(key: string, token: string, now: number, leaseMs: number): Promise<{ readonly granted: boolean; readonly claim: Claim }> {
    const claim: Claim = { key, token, until: now + leaseMs, done: false };
    const bind = { wanted: { _key: documentKey(key), ...claim }, now };
    const answer = await this.#port.one<{ readonly granted: boolean; readonly held: Claim | null }>(
      `acquiring claim ${key}`,
      ACQUIRE_CLAIM,
      bind,
      RACING,
    );
    return { granted: answer.granted, claim: answer.granted || answer.held === null ? claim : toClaim(answer.held) };
  }

  async renew(key: string, token: string, until: number): Promise<boolean> {
    return (await this.#port.query(`renewing claim ${key}`, RENEW_CLAIM, { key: documentKey(key), token, until })).length === 1;
  }

  async release(key: string, token: string, done: boolean): Promise<boolean> {
    const text = done ? FINISH_CLAIM : FREE_CLAIM;
    return (await this.#port.query(`releasing claim ${key}`, text, { key: documentKey(key), token })).length === 1;
  }

  async read(key: string): Promise<Claim | undefined> {
    const [claim] = await this.#port.query<Claim>(`reading claim ${key}`, READ_DOCUMENT, {
      '@collection': 'claims',
      key: documentKey(key),
    });
    return claim === undefined ? undefined : toClaim(claim);
  }

  async expired(prefix: string, now: number): Promise<readonly Claim[]> {
    return (await this.#port.query<Claim>(`looking for expired claims of ${prefix}`, EXPIRED_CLAIMS, { prefix, now })).map(toClaim);
  }

  async forget(before: number): Promise<number> {
    let forgotten = 0;
    for (;;) {
      const { length } = await this.#port.query('forgetting claims', FORGET_CLAIMS, { before, limit: CLAIMS_AT_ONCE });
      forgotten += length;
      if (length < CLAIMS_AT_ONCE) return forgotten;
    }
  }

  async countDelivery(delivery: DeliveryKey, error: string, at: number): Promise<number> {
    const { group, topic, partition, offset } = delivery;
    const document = { _key: deliveryKey(delivery), group, topic, partition, offset, error, at };
    return this.#port.one<number>(`counting a try of ${topic}`, COUNT_DELIVERY, { delivery: document }, RACING);
  }

  async clearDelivery(delivery: DeliveryKey): Promise<void> {
    await this.#port.query(`forgetting the tries of ${delivery.topic}`, CLEAR_DELIVERY, { key: deliveryKey(delivery) });
  }

  async putDeadLetters(letters: readonly DeadLetterDocument[]): Promise<void> {
    const byKey = new Map(letters.map((letter) => [letterKey(letter), letter]));
    const numbered = [...byKey].map(([_key, letter], index) => ({ _key, ...letter, seq: index + 1 }));
    if (numbered.length > 0) await this.#port.query('keeping dead letters', PUT_DEAD_LETTERS, { letters: numbered }, RACING);
  }

  async listDeadLetters(topic: string | null, queueId: string | null, limit: number): Promise<readonly DeadLetterDocument[]> {
    return this.#port.query<DeadLetterDocument>('listing dead letters', LIST_DEAD_LETTERS, { topic, queue_id: queueId, limit });
  }
}

function toClaim({ key, token, until, done }: Claim): Claim {
  return { key, token, until, done };
}

function deliveryKey({ group, topic, partition, offset }: DeliveryKey): string {
  return compositeKey(group, topic, partition, offset);
}

function letterKey({ topic, partition, offset, group, row }: DeadLetterDocument): string {
  return compositeKey(topic, partition, offset, group, row ?? '');
}
