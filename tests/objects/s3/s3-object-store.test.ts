import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { AppError } from '../../../shared/domain/errors.ts';
import type { ObjectStore } from '../../../shared/objects/object-store.ts';
import { openS3ObjectStore } from '../../../shared/objects/s3/s3-object-store.ts';
import { systemRandom } from '../../../shared/runtime/random.ts';
import { systemClock } from '../../../shared/runtime/system-clock.ts';
import { eventually } from '../../support/eventually.ts';
import { type Minio, startMinio } from '../../support/minio/minio.ts';
import { withoutMinio } from '../../support/minio/minio-binary.ts';
import { openBucket } from '../../support/minio/minio-place.ts';
import { aBody, isSame, MIB } from './a-body.ts';

/** A failure is told soon: where nothing is to be waited for, or the wait itself is not what is looked at. */
const BRIEF = { deadlineMs: 2_000, tries: 3, firstWaitMs: 10 };

describe('objects of a bucket, with a real MinIO that is right, wrong, away, frozen and killed', { skip: withoutMinio() }, () => {
  let minio: Minio;
  let bucket: string;
  let objects: ObjectStore;

  before(async () => {
    minio = await startMinio();
    bucket = await minio.createBucket();
    objects = await openBucket(minio, bucket);
  });
  after(async () => {
    await objects?.close();
    await minio?.close();
  });

  const tagOf = async (key: string): Promise<string> => (await minio.request('HEAD', `/${bucket}/${key}`)).headers.get('etag') ?? '';

  /** Resolves when a part of an upload is stored. */
  const firstPartOf = (key: string): Promise<boolean> =>
    eventually(
      async () => {
        const [uploadId] = await minio.openUploads(bucket, key);
        return uploadId !== undefined && (await minio.partsOf(bucket, key, uploadId)) > 0;
      },
      { everyMs: 1 },
    );

  test('16 MiB travel at once, more travel in parts, and both come back byte for byte', async () => {
    const whole = aBody(16 * MIB);
    const parts = aBody(17 * MIB);

    assert.equal(await objects.put('sizes/16', whole), 'written');
    assert.equal(await objects.put('sizes/17', parts), 'written');

    assert.match(await tagOf('sizes/16'), /^"[0-9a-f]{32}"$/);
    assert.match(await tagOf('sizes/17'), /^"[0-9a-f]{32}-3"$/);
    assert.ok(isSame(await objects.get('sizes/16'), whole));
    assert.ok(isSame(await objects.get('sizes/17'), parts));
    assert.deepEqual(await minio.openUploads(bucket, 'sizes/17'), []);
  });

  test('of puts in parts with ifAbsent at once one is stored, whole, and nothing of the others stays', async () => {
    const other = await openBucket(minio, bucket);
    const bodies = [1, 2, 3].map((seed) => aBody(17 * MIB, seed));

    const outcomes = await Promise.all(
      bodies.map((body, i) => (i === 0 ? other : objects).put('race/weights.bin', body, { ifAbsent: true })),
    );

    assert.deepEqual(outcomes.toSorted(), ['exists', 'exists', 'written']);
    assert.ok(isSame(await objects.get('race/weights.bin'), bodies[outcomes.indexOf('written')] as Uint8Array));
    assert.deepEqual(await minio.openUploads(bucket, 'race/weights.bin'), []);
    assert.equal(await objects.put('race/weights.bin', bodies[0] as Uint8Array, { ifAbsent: true }), 'exists');
    await other.close();
  });

  test('a put in parts that is aborted shows nothing and leaves no upload', async () => {
    const stop = new AbortController();
    const reason = new Error('stopped');

    const put = objects.put('aborted/weights.bin', aBody(64 * MIB), { signal: stop.signal });
    const failed = assert.rejects(put, reason);
    await firstPartOf('aborted/weights.bin');
    stop.abort(reason);
    await failed;

    assert.equal(await objects.has('aborted/weights.bin'), false);
    assert.deepEqual(await minio.openUploads(bucket, 'aborted/weights.bin'), []);
  });

  test('what a crash left of an upload is taken back by the next put of the same key once it is old', async () => {
    const key = 'left/weights.bin';
    const early = await openBucket(minio, bucket, { leftoverAgeMs: -60_000 });
    await minio.request('POST', `/${bucket}/${key}?uploads=`);
    await minio.request('POST', `/${bucket}/${key}.other?uploads=`);

    await objects.put(key, aBody(17 * MIB));
    assert.equal((await minio.openUploads(bucket, key)).length, 1);
    await early.put(key, aBody(17 * MIB));

    assert.deepEqual(await minio.openUploads(bucket, key), []);
    assert.equal((await minio.openUploads(bucket, `${key}.other`)).length, 1);
    await early.close();
  });

  test('more than 1,000 keys are listed, each once and in order', async () => {
    const own = await minio.createBucket();
    const many = await openBucket(minio, own);
    const keys = Array.from({ length: 1_050 }, (_, i) => `models/m${i}/card.json`);
    const left = keys.values();
    const carriers = Array.from({ length: 16 }, async () => {
      for (const key of left) await many.put(key, new Uint8Array(1));
    });
    await Promise.all(carriers);

    const listed = await many.list('models/');

    assert.deepEqual(listed, keys.toSorted());
    await many.close();
  });

  test('a wrong key, secret or bucket stops the start with one line that names endpoint and bucket, and no secret', async () => {
    const wrong = [
      { access: { ...minio, accessKey: 'nobody' }, bucket, says: /S3_ACCESS_KEY \(InvalidAccessKeyId\)/ },
      { access: { ...minio, secretKey: 'a-wrong-secret' }, bucket, says: /S3_SECRET_KEY \(SignatureDoesNotMatch\)/ },
      { access: minio, bucket: 'not-there', says: /S3_BUCKET \(NoSuchBucket\)/ },
      { access: minio, bucket: 'x', says: /S3_BUCKET \(InvalidBucketName\)/ },
    ];

    for (const { access, bucket: named, says } of wrong) {
      await assert.rejects(openBucket(access, named), (error: AppError) => {
        assert.equal(error.code, 'invalid_setting');
        assert.match(error.message, says);
        assert.ok(error.message.includes(minio.endpoint) && error.message.includes(named) && !error.message.includes('\n'));
        for (const secret of [minio.secretKey, 'a-wrong-secret']) {
          assert.ok(!JSON.stringify([error.message, error.context, error.stack]).includes(secret));
        }
        return true;
      });
    }
  });

  test('an endpoint that is no URL, carries credentials, or speaks no S3 stops the start', async () => {
    const server = createServer(({ url = '' }, answer) => {
      answer.statusCode = url.startsWith('/404') ? 404 : 200;
      answer.end('<html>hello</html>');
    }).listen(0, '127.0.0.1');
    const { port } = await new Promise<AddressInfo>((resolve) => server.on('listening', () => resolve(server.address() as AddressInfo)));

    for (const endpoint of ['minio:9000', 'http://user:pass@127.0.0.1:9000', `http://127.0.0.1:${port}`, `http://127.0.0.1:${port}/404`]) {
      await assert.rejects(openBucket({ ...minio, endpoint }, bucket), (error: AppError) => {
        assert.equal(error.code, 'invalid_setting');
        assert.ok(error.message.includes('S3_ENDPOINT') && !error.message.includes('pass'));
        return true;
      });
    }
    server.closeAllConnections();
    server.close();
  });

  test('a bucket that is gone is invalid_setting, never an object that is not there', async () => {
    const own = await minio.createBucket();
    const gone = await openBucket(minio, own);
    await minio.request('DELETE', `/${own}`);

    await assert.rejects(gone.get('a'), { code: 'invalid_setting' });
    await assert.rejects(gone.has('a'), { code: 'invalid_setting' });
    await assert.rejects(gone.delete('a'), { code: 'invalid_setting' });
    await assert.rejects(gone.list(''), { code: 'invalid_setting' });
    await assert.rejects(gone.put('a', aBody(1)), { code: 'invalid_setting' });
    await gone.close();
  });

  test('a host clock an hour wrong changes nothing', async () => {
    const { endpoint, region, accessKey, secretKey } = minio;
    for (const wrongMs of [-3_600_000, 3_600_000]) {
      const clock = { ...systemClock, now: () => Date.now() + wrongMs };
      const skewed = await openS3ObjectStore({ endpoint, region, accessKey, secretKey, bucket, clock, random: systemRandom });

      assert.equal(await skewed.put(`skew/${wrongMs}`, aBody(10)), 'written');
      assert.deepEqual(await skewed.get(`skew/${wrongMs}`), aBody(10));
      await skewed.close();
    }
  });

  test('case 71: a server killed (SIGKILL) in the middle of a put and started again ends up with the object, whole, and no upload', async () => {
    const body = aBody(48 * MIB);
    const key = 'restart/weights.bin';
    const put = objects.put(key, body);
    await firstPartOf(key);

    await minio.kill();
    await minio.restart();

    assert.equal(await put, 'written');
    assert.ok(isSame(await objects.get(key), body));
    assert.deepEqual(await minio.openUploads(bucket, key), []);
    assert.ok((await readdir(minio.dataDir)).includes(bucket));
  });

  test('a server that is away is store_unavailable, keeps nobody from opening, and is used again once it is back', async () => {
    await minio.kill();
    const late = await openBucket(minio, bucket, BRIEF);

    await assert.rejects(late.put('away', aBody(10)), { code: 'store_unavailable' });
    await assert.rejects(late.get('away'), { code: 'store_unavailable' });
    await assert.rejects(late.list(''), { code: 'store_unavailable' });
    await minio.restart();

    assert.equal(await late.put('away', aBody(10)), 'written');
    await late.close();
  });

  test('a frozen server (SIGSTOP) is a timeout at the deadline, and ends at once for a caller who stops waiting', {
    timeout: 10_000,
  }, async () => {
    const brief = await openBucket(minio, bucket, { deadlineMs: 300 });
    const reason = new Error('stopped');
    await brief.put('frozen', aBody(10));
    await minio.freeze();

    await assert.rejects(brief.get('frozen'), { code: 'timeout' });
    await assert.rejects(brief.put('frozen', aBody(20)), { code: 'timeout' });
    await assert.rejects(objects.get('frozen', { signal: AbortSignal.timeout(50) }), { name: 'TimeoutError' });
    const stop = new AbortController();
    const put = assert.rejects(objects.put('frozen', aBody(20), { signal: stop.signal }), reason);
    stop.abort(reason);
    await put;
    minio.thaw();

    assert.deepEqual(await brief.get('frozen'), aBody(10));
    await brief.close();
  });

  test('closing ends calls that are on their way', async () => {
    const closing = await openBucket(minio, bucket);
    await minio.freeze();
    const reading = assert.rejects(closing.get('frozen'), { code: 'store_unavailable' });

    await closing.close();
    await reading;
    minio.thaw();
  });
});
