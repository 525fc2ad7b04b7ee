import { AppError } from '../../shared/domain/errors.ts';
import type { Context } from '../../shared/runtime/context.ts';

const RENEWALS_PER_LEASE = 3;
const TOKEN_LENGTH = 24;

/**
 * Works under a claim with a lease that is renewed meanwhile: `work` gets a signal that aborts when the claim is lost. Done, the claim is kept for ever, so
 * that nobody does the work again; after a failure it is free at once. Throws `state_conflict` where the work is done or somebody else holds the claim.
 */
export async function workUnderClaim(
  context: Pick<Context, 'ports' | 'clock' | 'random' | 'logger'>,
  { key, leaseMs }: { readonly key: string; readonly leaseMs: number },
  work: (lost: AbortSignal) => Promise<void>,
): Promise<void> {
  const { clock, random, logger } = context;
  const { workflows } = context.ports;
  const token = random.id(TOKEN_LENGTH);
  const { granted, claim } = await workflows.acquireClaim(key, token, clock.now(), leaseMs);
  if (!granted) {
    const why = claim.done ? 'is done' : `is worked on elsewhere until ${new Date(claim.until).toISOString()} at least`;
    throw new AppError('state_conflict', `The shard ${why}.`, { key });
  }
  const over = new AbortController();
  const lost = new AbortController();
  const renewing = renew(context, { key, token, leaseMs, lost }, over.signal);
  try {
    await work(lost.signal);
    over.abort();
    await workflows.releaseClaim(key, token, true);
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

async function renew(
  { ports, clock, logger }: Pick<Context, 'ports' | 'clock' | 'logger'>,
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
