import { jobClaimKey } from '../domain/workflow/claim-keys.ts';
import type { StreamEvent } from '../events/event.ts';

/**
 * The claim key of a job's message: its workflow and attempt. A message that does not name them is claimed by its id, so that it can be taken, checked and
 * dead-lettered like any other.
 */
export function claimKeyOf(stage: 'build-graph' | 'train', { id, data }: StreamEvent): string {
  const { queue_id, attempt } = (data ?? {}) as { readonly queue_id?: unknown; readonly attempt?: unknown };
  return typeof queue_id === 'string' && typeof attempt === 'number' ? jobClaimKey(stage, { queue_id, attempt }) : `${stage}:${id}`;
}
