/** Every number of the runtime, with its unit and where it comes from. */

/** Largest body of an ordinary request (contracts, Doors). */
export const MAX_BODY_BYTES = 262_144;
/** Largest body of a pushed event or batch: what a record may hold. */
export const MAX_EVENT_BODY_BYTES = 1_048_576;

/** First wait between two tries of an event; doubles with each try. */
export const RETRY_FIRST_MS = 200;
/** Longest wait between two tries: an outage that ends is noticed within half a minute. */
export const RETRY_MAX_MS = 30_000;
/** Longest wait that an error may ask for by `retry_after_ms`: an exchange's longest ban is three days, no event should sleep longer. */
export const RETRY_AFTER_MAX_MS = 3 * 86_400_000;
/** Tries of an event whose handler fails with an error that nobody classified (contracts, Errors). */
export const MAX_UNCLASSIFIED_TRIES = 10;

/** How long shutdown waits for work in flight: under the 60 s that a consumer's pod is given, with 10 s left to close. */
export const GRACE_MS = 25_000;
/** What closing a bus, a store or a server may take at the end of a shutdown before it is left behind. */
export const CLOSE_MS = 5_000;

/** A long batch says that it is alive this often; a third of Kafka's smallest usual session timeout (10 s), rounded down. */
export const HEARTBEAT_MS = 3_000;
/** A handler of single events commits what is done at most this often, and at the end of its batch. */
export const COMMIT_EVERY_MS = 1_000;
/** How often the lag of a group is measured. */
export const LAG_EVERY_MS = 5_000;
/** Wait before a member that was thrown out of its group joins again; doubles up to `RETRY_MAX_MS`. */
export const REJOIN_FIRST_MS = 1_000;

/** A lease is renewed this many times before it would end: two renewals may fail. */
export const RENEWALS_PER_LEASE = 3;

/** A process that was started for one job ends when no message came for so long: another one took it. */
export const IDLE_JOB_MS = 15_000;

/** Old records are deleted this often in the local host. */
export const RETENTION_EVERY_MS = 3_600_000;

/** An idle connection is kept this long: longer than the 90 s of the queue proxy's client, so that no proxy reuses a socket that we just closed. */
export const KEEP_ALIVE_MS = 120_000;
/** A client has this long to send its request whole. */
export const REQUEST_MS = 30_000;
/** A stream of server-sent events that has nothing to say sends a comment this often: below the usual idle timeouts of 30 s and 60 s. */
export const STREAM_HEARTBEAT_MS = 15_000;
/** Requests worked on at once, streams apart; more are answered 429. */
export const MAX_REQUESTS_IN_FLIGHT = 256;
/** Open streams at once (server-sent events); more are answered 429. */
export const MAX_STREAMS = 256;
/** `Retry-After` of an answer that says "not now" without a better figure, in seconds. */
export const RETRY_AFTER_SECONDS = 1;

/** A dependency that does not answer a readiness check within this time counts as away. */
export const CHECK_MS = 2_000;
/** The answer of a readiness check is kept this long: a probe a second must not load the store. */
export const CHECK_EVERY_MS = 1_000;
