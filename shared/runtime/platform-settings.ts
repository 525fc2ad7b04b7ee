import { z } from 'zod';
import { LOG_LEVELS } from '../telemetry/pino-logger.ts';
import type { SettingsOf } from './define-function.ts';
import { setting } from './settings.ts';

const url = z.string().regex(/^https?:\/\/\S+$/, 'is not a URL');
const optionalUrl = url.transform((text) => text.replace(/\/+$/, '')).optional();
const optionalText = z.string().optional();
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
  arangoUrl: setting('ARANGO_URL', optionalUrl, 'ArangoDB; unset: SQLite'),
  s3Endpoint: setting('S3_ENDPOINT', optionalUrl, 'S3 object store; unset: a local folder'),
  binanceApiUrl: setting('BINANCE_API_URL', optionalUrl, "Binance's REST API; unset: its public host"),
} as const;

export type PlatformSettings = SettingsOf<typeof platformSettings>;
