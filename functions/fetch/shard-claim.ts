import { AppError } from '../../shared/domain/errors.ts';
import type { Context } from '../../shared/runtime/context.ts';

const RENEWALS_PER_LEASE = 3;
const TOKEN_LENGTH = 24;

/**
 * Work that is asked for again so long after it was done was not heard of: what it sent was deleted before the sink read it (a retention shorter than an
 * outage). Until then a command that comes again is one that was sent or delivered twice, or a sink that is slow.
 */
const UNHEARD_MS = 600_000;

/** The work to claim; `askedAt` is when its command was sent, epoch ms. */
export interface ClaimedWork {
  readonly key: string;
  readonly leaseMs: number;
  readonly askedAt: number;
}

type Parts = Pick<Context, 'ports' | 'clock' | 'random' | 'logger'>;

/**
 * Works under a claim with a lease that is renewed meanwhile: `work` gets a signal that aborts when the claim is lost. Done, the claim is kept as long as commands are, so
 * that nobody does the work again unless it was not heard of; after a failure it is free at once. Throws `state_conflict` where the work is done or somebody
 * else holds the claim.
 */
export async function workUnderClaim(context: Parts, wanted: ClaimedWork, work: (lost: AbortSignal) => Promise<void>): Promise<void> {
  const { random, logger } = context;
  const { workflows } = context.ports;
  const { leaseMs } = wanted;
  const token = random.id(TOKEN_LENGTH);
  const key = await acquire(context, wanted, token);
  const over = new AbortController();
  const lost = new AbortController();
  const renewing = renew(context, { key, token, leaseMs, lost }, over.signal);
  try {
    await work(lost.signal);
    over.abort();
    // Not waited for: a claim that a crash leaves behind is held until its lease is over, and the shard has its marker.
    void keepDone(context, key, token);
  } catch (error) {
    over.abort();
    await workflows.releaseClaim(key, token, false).catch((problem: unknown) => {
      logger.warn({ error: problem, key }, 'The claim could not be freed: it stays until its lease is over.');
    });
    throw error;
  } finally {
    await renewing;
  }
}

async function keepDone({ ports, logger }: Parts, key: string, token: string): Promise<void> {
  try {
    await ports.workflows.releaseClaim(key, token, true);
  } catch (error) {
    logger.warn({ error, key }, 'The claim could not be marked as done: the shard may be fetched once more.');
  }
}

/** Takes the claim, or the one after it where the work was done and not heard of; returns its key. */
async function acquire({ ports, clock, logger }: Parts, { key, leaseMs, askedAt }: ClaimedWork, token: string): Promise<string> {
  for (let round = 0; ; round += 1) {
    const name = round === 0 ? key : `${key}#${round}`;
    const { granted, claim } = await ports.workflows.acquireClaim(name, token, clock.now(), leaseMs);
    if (granted) {
      if (round > 0) logger.warn({ key: name }, 'The shard was done and no verdict followed: it is fetched again.');
      return name;
    }
    if (claim.done && askedAt >= claim.until + UNHEARD_MS) continue;
    const why = claim.done ? 'is done' : `is worked on elsewhere until ${new Date(claim.until).toISOString()} at least`;
    throw new AppError('state_conflict', `The shard ${why}.`, { key: name });
  }
}

async function renew(
  { ports, clock, logger }: Parts,
  { key, token, leaseMs, lost }: { readonly key: string; readonly token: string; readonly leaseMs: number; readonly lost: AbortController },
  over: AbortSignal,
): Promise<void> {
  let until = clock.now() + leaseMs;
  while (!over.aborted && !lost.signal.aborted) {
    const isOver = await clock.sleep(leaseMs / RENEWALS_PER_LEASE, over).then(
      () => false,
      () => true,
    );
    if (isOver) return;
    try {
      const next = clock.now() + leaseMs;
      if (await ports.workflows.renewClaim(key, token, next)) until = next;
      else until = 0;
    } catch (error) {
      logger.warn({ error, key }, 'The claim could not be renewed; its lease goes on.');
    }
    if (clock.now() >= until)
      lost.abort(new AppError('state_conflict', 'The claim on the shard was lost while it was worked on.', { key }));
  }
}
