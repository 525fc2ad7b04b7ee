// Builds the MinIO that the tests of S3 run against, once, and prints where it lies. Usage: node tests/support/minio/build.ts
import { buildMinio } from './minio-binary.ts';

process.stdout.write(`${await buildMinio()}\n`);
