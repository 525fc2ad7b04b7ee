import { after, before, describe } from 'node:test';
import { describeObjectStore } from '../../conformance/object-store.ts';
import { type Minio, startMinio } from '../../support/minio/minio.ts';
import { withoutMinio } from '../../support/minio/minio-binary.ts';
import { bucketPlace } from '../../support/minio/minio-place.ts';

describe('objects of a bucket of a real MinIO keep the promises of the port', { skip: withoutMinio() }, () => {
  let minio: Minio;
  before(async () => {
    minio = await startMinio();
  });
  after(() => minio?.close());

  describeObjectStore(async () => bucketPlace(minio, await minio.createBucket()));
});
