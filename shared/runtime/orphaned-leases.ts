import type { WorkflowStore } from '../store/workflow-store.ts';

/**
 * Ends the leases of claims that are not done. For a host that has just taken the embedded log, which belongs to one process alone: whoever held them is
 * gone, and their shards and jobs need not wait until the leases run out. Returns how many there were.
 */
export async function endOrphanedLeases(workflows: WorkflowStore, now: number): Promise<number> {
  const held = (await workflows.expiredClaims('', Number.MAX_SAFE_INTEGER)).filter(({ until }) => until > now);
  const ended = await Promise.all(held.map(({ key, token }) => workflows.renewClaim(key, token, now)));
  return ended.filter((isEnded) => isEnded).length;
}
