import type { KafkaTiming } from '../../../shared/bus/kafka/options.ts';

/** Times of a group that notices at once who came; nobody is taken for dead because two cores are busy. */
export const QUICK: Partial<KafkaTiming> = { sessionMs: 15_000, heartbeatMs: 200, fetchWaitMs: 100, letGoMs: 100, tendMs: 1_000 };

/** The same for a process that is going to be killed: its group notices within two seconds. */
export const MORTAL: Partial<KafkaTiming> = { ...QUICK, sessionMs: 2_000 };
