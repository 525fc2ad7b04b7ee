/** The claim on one try of a shard: whoever holds it fetches. Attempts have claims of their own, so a resumed workflow never waits for an old lease. */
export function shardClaimKey(shard: {
  readonly queue_id: string;
  readonly attempt: number;
  readonly shard: string;
  readonly try: number;
}): string {
  return `fetch:${shard.queue_id}:${shard.attempt}:${shard.shard}:${shard.try}`;
}

/** The claim on one job of a workflow's attempt. */
export function jobClaimKey(stage: 'build-graph' | 'train', job: { readonly queue_id: string; readonly attempt: number }): string {
  return `${stage}:${job.queue_id}:${job.attempt}`;
}
