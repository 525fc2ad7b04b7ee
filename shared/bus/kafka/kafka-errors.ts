import { AppError } from '../../domain/errors.ts';

/** What was being done when a call failed: who did it, to what, and the right that it takes. */
export interface Attempt {
  /** As in "publish to topic x". */
  readonly doing: string;
  readonly user: string;
  readonly topic?: string;
  readonly group?: string;
  /** Kafka's name of the operation that the user must be allowed; default `Read` for groups, `Describe` for topics. */
  readonly right?: 'Alter' | 'Create' | 'Delete' | 'Describe' | 'DescribeConfigs' | 'Read' | 'Write';
}

/** Kafka's error types that a new try under the same membership cannot cure: the member has to join again. */
const MEMBERSHIP_LOST = new Set([
  'REBALANCE_IN_PROGRESS',
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'FENCED_INSTANCE_ID',
  'NON_EMPTY_GROUP',
  'INCONSISTENT_GROUP_PROTOCOL',
]);

const TLS_CODES = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_HAS_EXPIRED',
  'CERT_SIGNATURE_FAILURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** The error and everything that caused it, outermost first. */
export function causesOf(error: unknown, depth = 0): readonly Record<string, unknown>[] {
  if (typeof error !== 'object' || error === null || depth > 6) return [];
  const own = error as Record<string, unknown>;
  const nested = [own.cause, own.originalError, own.error, ...(Array.isArray(own.errors) ? own.errors : [])];
  return [own, ...(Array.isArray(own.partitions) ? own.partitions : []), ...nested].flatMap((each, index) =>
    index === 0 ? [own] : causesOf(each, depth + 1),
  );
}

/** True where Kafka's error type (`UNKNOWN_MEMBER_ID`, …) or the client's name of the error is among the causes. */
export function isKind(error: unknown, ...kinds: readonly string[]): boolean {
  return causesOf(error).some(({ type, name }) => kinds.includes(String(type)) || kinds.includes(String(name)));
}

/** True where the member is no longer part of its group's generation. */
export function isMembershipLost(error: unknown): boolean {
  return causesOf(error).some(({ type }) => MEMBERSHIP_LOST.has(String(type)));
}

/** The failure of a call as the platform's error: one line that names what was done, to what, by whom, and what is missing. */
export function toBusError(error: unknown, attempt: Attempt): AppError {
  if (error instanceof AppError) return error;
  const { doing, user, topic, group, right } = attempt;
  const context = { ...(topic === undefined ? {} : { topic }), ...(group === undefined ? {} : { group }), user };
  const fail = (code: ConstructorParameters<typeof AppError>[0], message: string) => new AppError(code, message, context, error);

  if (isKind(error, 'TOPIC_AUTHORIZATION_FAILED')) {
    const operation = right ?? 'Describe';
    const name = topic ?? 'the topic';
    return fail(
      'invalid_setting',
      `User ${user} may not ${doing}: the right ${operation} on topic ${name} is missing. Grant it to ${user}.`,
    );
  }
  if (isKind(error, 'GROUP_AUTHORIZATION_FAILED')) {
    const name = group ?? 'of the consumer';
    return fail(
      'invalid_setting',
      `User ${user} may not ${doing}: the right ${right ?? 'Read'} on group ${name} is missing. Grant it to ${user}.`,
    );
  }
  if (isKind(error, 'CLUSTER_AUTHORIZATION_FAILED')) {
    return fail(
      'invalid_setting',
      `User ${user} may not ${doing}: the right ${right ?? 'IdempotentWrite'} on the cluster is missing. Grant it to ${user}.`,
    );
  }
  if (isKind(error, 'KafkaJSSASLAuthenticationError', 'SASL_AUTHENTICATION_FAILED', 'ILLEGAL_SASL_STATE', 'UNSUPPORTED_SASL_MECHANISM')) {
    return fail(
      'invalid_setting',
      `The brokers refused the login of user ${user}: check KAFKA_USER, KAFKA_PASSWORD and KAFKA_SASL_MECHANISM (${messageOf(error)}).`,
    );
  }
  const tls = causesOf(error).find(({ code }) => TLS_CODES.has(String(code)))?.code;
  if (tls !== undefined) {
    const message = `The brokers' certificate is not trusted (${String(tls)}), as user ${user}: set KAFKA_CA_PATH to the authority that signed it.`;
    return fail('invalid_setting', message);
  }
  if (isKind(error, 'UNKNOWN_TOPIC_OR_PARTITION', 'INVALID_TOPIC_EXCEPTION')) {
    return fail(
      'not_found',
      `Topic ${topic ?? ''} does not exist: ${doing} is not possible. Create it first ("streamforge topics create").`,
    );
  }
  if (isKind(error, 'MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE')) {
    return fail(
      'payload_too_large',
      `The brokers refuse a batch for ${topic ?? 'a topic'} as too large: raise max.message.bytes of the topic to 1 MiB.`,
    );
  }
  if (isKind(error, 'KAFKA_STORAGE_ERROR'))
    return fail('storage_full', `The brokers cannot write, their disk failed or is full: ${doing} was refused.`);
  if (isMembershipLost(error)) return fail('state_conflict', `Could not ${doing}: ${messageOf(error)}`);
  return fail('bus_unavailable', `Could not ${doing}: ${messageOf(error)}`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.replaceAll(/\s+/g, ' ') : String(error);
}
