/** How a user logs in. */
export type SaslMechanism = 'scram-sha-512' | 'scram-sha-256' | 'plain';

/** Where the brokers are and who comes. Travels as JSON. */
export interface KafkaBusOptions {
  /** `host:port`, several parted by commas. */
  readonly bootstrapServers: string;
  /** Unset: no login. */
  readonly user?: string;
  readonly password?: string;
  /** PEM file of the authority that signed the brokers' certificates. Set: TLS. */
  readonly caPath?: string;
  /** Default `scram-sha-512`. */
  readonly mechanism?: SaslMechanism;
  /** Name in the brokers' logs and quotas; default `streamforge`. */
  readonly clientId?: string;
  /** Copies of each record of topics that `ensureTopics` creates; default: the brokers' own. */
  readonly replicationFactor?: number;
  readonly timing?: Partial<KafkaTiming>;
}

/** Times of the adapter, all in milliseconds. */
export interface KafkaTiming {
  /** A call that is neither a send nor a fetch has failed after this long. */
  readonly callMs: number;
  /** One try to send one batch has failed after this long: longer than a broker needs to be fenced and its partitions to move (9 s and a few). */
  readonly sendMs: number;
  /** A publish that was not acknowledged for this long is refused with `bus_unavailable` (Kafka's `delivery.timeout.ms`). */
  readonly deliveryMs: number;
  /** A member that said nothing for this long is dead to its group. */
  readonly sessionMs: number;
  /** How often a member says that it is alive; a third of the session or less. */
  readonly heartbeatMs: number;
  /** How long a group waits for its members to let go of their partitions when one joins or leaves. */
  readonly rebalanceMs: number;
  /** How long a fetch waits at the end of the log. */
  readonly fetchWaitMs: number;
  /** When a rebalance begins, batches in flight may end and commit for this long before they are aborted. */
  readonly letGoMs: number;
  /** How often a member compares its group's offsets with the log: raised to its begin, set where there are none. */
  readonly tendMs: number;
}

/** What holds where the options say nothing. */
export const DEFAULT_TIMING: KafkaTiming = {
  callMs: 15_000,
  sendMs: 20_000,
  deliveryMs: 120_000,
  sessionMs: 15_000,
  heartbeatMs: 3_000,
  rebalanceMs: 60_000,
  fetchWaitMs: 500,
  letGoMs: 1_000,
  tendMs: 30_000,
};

/**
 * Bounds of what a member fetches at once, in bytes: over all partitions, and of one. A batch of the log that is larger is fetched all the same. A member has
 * so much of each of its partitions in hand: twice of both cost a sink of twelve some 15 MB (measured), a quarter of a megabyte would leave it single pages.
 */
export const MAX_FETCH_BYTES = 2_097_152;
export const MAX_PARTITION_FETCH_BYTES = 524_288;
