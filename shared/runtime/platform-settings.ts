import { z } from 'zod';
import { LOG_LEVELS } from '../telemetry/pino-logger.ts';
import type { SettingsOf } from './define-function.ts';
import { setting } from './settings.ts';

const url = z.string().regex(/^https?:\/\/\S+$/, 'is not a URL');
const optionalUrl = url.transform((text) => text.replace(/\/+$/, '')).optional();
const optionalText = z.string().optional();
/** Mechanisms of SASL that the brokers may ask for. */
export const SASL_MECHANISMS = ['scram-sha-512', 'scram-sha-256', 'plain'] as const;

const port = z
  .string()
  .regex(/^\d{1,5}$/)
  .transform(Number)
  .refine((value) => value <= 65_535, { message: 'is no port', params: { allowed: '0 to 65535' } });

/** What the runtime itself reads, whatever function it runs (contracts, Environment). */
export const platformSettings = {
  dataDir: setting('STREAMFORGE_DATA_DIR', z.string().default('.streamforge'), 'folder of the embedded log, store and objects'),
  host: setting('STREAMFORGE_HOST', z.string().default('127.0.0.1'), 'address to listen on; another than 127.0.0.1 needs an API token'),
  port: setting('PORT', port.default(8080), 'port to listen on, 0 for a free one'),
  logLevel: setting('LOG_LEVEL', z.enum(LOG_LEVELS).default('info'), 'least level that is logged'),
  apiToken: setting('API_TOKEN', z.string().min(16).optional(), 'bearer token that callers must send, 16 characters or more', {
    secret: true,
  }),
  oidcIssuer: setting('OIDC_ISSUER', optionalUrl, 'issuer of the tokens that callers send'),
  oidcAudience: setting('OIDC_AUDIENCE', optionalText, 'audience of the tokens that callers send'),
  kafkaServers: setting('KAFKA_BOOTSTRAP_SERVERS', optionalText, 'Kafka brokers; unset: the embedded log'),
  kafkaUser: setting('KAFKA_USER', optionalText, 'user of the brokers; unset: no login'),
  kafkaPassword: setting('KAFKA_PASSWORD', optionalText, 'password of that user', { secret: true }),
  kafkaCaPath: setting('KAFKA_CA_PATH', optionalText, "PEM file of the authority that signed the brokers' certificates; set: TLS"),
  kafkaSaslMechanism: setting('KAFKA_SASL_MECHANISM', z.enum(SASL_MECHANISMS).default('scram-sha-512'), 'how the user logs in'),
  arangoUrl: setting('ARANGO_URL', optionalUrl, 'ArangoDB; unset: SQLite'),
  arangoDatabase: setting('ARANGO_DB', z.string().default('streamforge'), 'database of ArangoDB'),
  arangoUser: setting('ARANGO_USER', z.string().default('root'), 'user of ArangoDB'),
  arangoPassword: setting('ARANGO_PASSWORD', z.string().default(''), 'password of that user', { secret: true }),
  s3Endpoint: setting('S3_ENDPOINT', optionalUrl, 'S3 object store; unset: a local folder'),
  s3Bucket: setting('S3_BUCKET', z.string().default('streamforge'), 'bucket of the object store; it must exist'),
  s3Region: setting('S3_REGION', z.string().default('us-east-1'), 'region that requests are signed for'),
  s3AccessKey: setting('S3_ACCESS_KEY', optionalText, 'access key of the object store', { secret: true }),
  s3SecretKey: setting('S3_SECRET_KEY', optionalText, 'secret key of the object store', { secret: true }),
  binanceApiUrl: setting('BINANCE_API_URL', optionalUrl, "Binance's REST API; unset: its public host"),
} as const;

export type PlatformSettings = SettingsOf<typeof platformSettings>;
