// The servers of the distributed demo: a real Kafka broker, a real MinIO, and the double of ArangoDB. The first line on stdout is the environment that
// reaches them, as JSON; they end when stdin does, and leave nothing behind.
import { once } from 'node:events';
import { startArangoDouble } from '../arango-double/arango-double.ts';
import { startBroker } from '../kafka/broker.ts';
import { startMinio } from '../minio/minio.ts';
import { buildMinio } from '../minio/minio-binary.ts';

const BUCKET = 'streamforge';
const ARANGO = { user: 'root', password: 'a-password-of-the-double' } as const;

await buildMinio();
const [broker, minio, arango] = await Promise.all([startBroker(), startMinio(), startArangoDouble(ARANGO)]);
try {
  await minio.createBucket(BUCKET);
  const environment = {
    KAFKA_BOOTSTRAP_SERVERS: broker.address.plain,
    ARANGO_URL: arango.url,
    ARANGO_USER: ARANGO.user,
    ARANGO_PASSWORD: ARANGO.password,
    S3_ENDPOINT: minio.endpoint,
    S3_BUCKET: BUCKET,
    S3_REGION: minio.region,
    S3_ACCESS_KEY: minio.accessKey,
    S3_SECRET_KEY: minio.secretKey,
  };
  process.stdout.write(`${JSON.stringify(environment)}\n`);
  process.stdin.resume();
  await Promise.race([once(process.stdin, 'end'), once(process, 'SIGTERM')]);
} finally {
  await Promise.allSettled([broker.remove(), minio.close(), arango.close()]);
}
process.exit(0);
