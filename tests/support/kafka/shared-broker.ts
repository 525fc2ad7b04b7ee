import { after } from 'node:test';
import { type BrokerAddress, startBroker } from './broker.ts';
import { prepareDistribution } from './distribution.ts';

/** JSON of the broker that the run of all tests started; unset where a test file runs alone. */
export const BROKER_VARIABLE = 'STREAMFORGE_TEST_KAFKA';

/** A broker, or why there is none. */
export type FoundBroker = { readonly address: BrokerAddress } | { readonly missing: string };

/**
 * The broker of this run: the one that `tests/run.ts` started, else one of this process, which ends with its tests. With CI set a broker that cannot be
 * had is a failure, elsewhere a reason to skip.
 */
export async function findBroker(): Promise<FoundBroker> {
  const given = process.env[BROKER_VARIABLE];
  if (given !== undefined) return JSON.parse(given) as FoundBroker;
  try {
    const broker = await startBroker();
    after(() => broker.remove());
    return { address: broker.address };
  } catch (error) {
    return noBroker(error);
  }
}

/** For tests that kill, freeze or fill brokers of their own: why none can be had, as the reason to skip; false where one can. With CI set it has to be. */
export async function withoutBrokers(): Promise<string | false> {
  try {
    await prepareDistribution();
    return false;
  } catch (error) {
    const found = noBroker(error);
    return 'missing' in found && found.missing;
  }
}

/** Starts the broker of a whole run, to be lent to its test files by `BROKER_VARIABLE`. Where there can be none, they are told why. */
export async function lendBroker(): Promise<{ readonly found: FoundBroker; remove(): Promise<void> }> {
  try {
    const broker = await startBroker();
    return { found: { address: broker.address }, remove: () => broker.remove() };
  } catch (error) {
    return { found: noBroker(error), remove: async () => {} };
  }
}

/** Why there is no broker, in one line; thrown on where there has to be one. */
function noBroker(error: unknown): FoundBroker {
  if (process.env.CI !== undefined) throw error;
  const cause = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  return { missing: `a real Kafka broker needs Java 17, Maven and its registry, or a filled cache (${cause})` };
}
