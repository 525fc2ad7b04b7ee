// A MinIO with one bucket, until SIGTERM or SIGINT; then its data is gone. The first line of stdout is the environment of who uses it:
// {"S3_ENDPOINT": …, "S3_BUCKET": …, "S3_REGION": …, "S3_ACCESS_KEY": …, "S3_SECRET_KEY": …}. Usage: node tests/support/minio/serve.ts [--build]
import { once } from 'node:events';
import { startMinio } from './minio.ts';
import { buildMinio } from './minio-binary.ts';

if (process.argv.includes('--build')) await buildMinio();
const minio = await startMinio();
const told = {
  S3_ENDPOINT: minio.endpoint,
  S3_BUCKET: await minio.createBucket('streamforge'),
  S3_REGION: minio.region,
  S3_ACCESS_KEY: minio.accessKey,
  S3_SECRET_KEY: minio.secretKey,
};
process.stdout.write(`${JSON.stringify(told)}\n`);
await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
await minio.close();
