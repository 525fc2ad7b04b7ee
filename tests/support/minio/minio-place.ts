import type { ObjectStore } from '../../../shared/objects/object-store.ts';
import { openS3ObjectStore } from '../../../shared/objects/s3/s3-object-store.ts';
import type { S3Limits } from '../../../shared/objects/s3/s3-options.ts';
import { systemRandom } from '../../../shared/runtime/random.ts';
import { systemClock } from '../../../shared/runtime/system-clock.ts';
import type { Place } from '../../conformance/stores.ts';
import type { MinioAccess } from './minio.ts';

/** Opens a bucket with the system's clock. */
export function openBucket(access: MinioAccess, bucket: string, limits: Partial<S3Limits> = {}): Promise<ObjectStore> {
  const { endpoint, region, accessKey, secretKey } = access;
  return openS3ObjectStore({ endpoint, region, accessKey, secretKey, bucket, clock: systemClock, random: systemRandom, limits });
}

/** For child processes, which get this module's address: the objects of a bucket. */
export function openObjects(location: string): Promise<ObjectStore> {
  const { bucket, ...access } = JSON.parse(location) as MinioAccess & { readonly bucket: string };
  return openBucket(access, bucket);
}

/** A bucket of its own. What was opened is closed with it; the bucket goes with its server. */
export async function bucketPlace({ endpoint, region, accessKey, secretKey }: MinioAccess, bucket: string): Promise<Place<ObjectStore>> {
  const location = JSON.stringify({ endpoint, region, accessKey, secretKey, bucket });
  const opened: ObjectStore[] = [];
  return {
    opener: import.meta.url,
    location,
    async open() {
      const objects = await openObjects(location);
      opened.push(objects);
      return objects;
    },
    async remove() {
      await Promise.all(opened.map((objects) => objects.close()));
    },
  };
}
