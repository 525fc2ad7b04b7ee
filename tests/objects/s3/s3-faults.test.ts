import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { AppError } from '../../../shared/domain/errors.ts';
import type { ObjectStore } from '../../../shared/objects/object-store.ts';
import { eventually } from '../../support/eventually.ts';
import { type FaultyProxy, firstOnes, type SeenRequest, startFaultyProxy } from '../../support/minio/faulty-proxy.ts';
import { type Minio, startMinio } from '../../support/minio/minio.ts';
import { withoutMinio } from '../../support/minio/minio-binary.ts';
import { openBucket } from '../../support/minio/minio-place.ts';
import { aBody, isSame, MIB } from './a-body.ts';

const isPut = ({ method, url }: SeenRequest): boolean => method === 'PUT' && !url.includes('partNumber');
const isGet = ({ method }: SeenRequest): boolean => method === 'GET';
const isPart = ({ url }: SeenRequest): boolean => url.includes('partNumber');
const isCompletion = ({ method, url }: SeenRequest): boolean => method === 'POST' && url.includes('uploadId');
const anError = (code: string): string => `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`;

describe('objects of a bucket, through a network and a server that fail', { skip: withoutMinio() }, () => {
  let minio: Minio;
  let proxy: FaultyProxy;
  let bucket: string;
  let objects: ObjectStore;
  let names = 0;
  const fresh = (): string => `faults/${++names}`;
  const requestsOf = (key: string, matches: (request: SeenRequest) => boolean): number =>
    proxy.seen.filter((request) => request.url.startsWith(`/${bucket}/${key}`) && matches(request)).length;

  before(async () => {
    minio = await startMinio();
    proxy = await startFaultyProxy(minio.endpoint);
    bucket = await minio.createBucket();
    objects = await openBucket({ ...minio, endpoint: proxy.endpoint }, bucket, { firstWaitMs: 10, tries: 4 });
  });
  afterEach(() => proxy?.faults(() => undefined));
  after(async () => {
    await objects?.close();
    await proxy?.close();
    await minio?.close();
  });

  for (const [name, fault] of [
    ['SlowDown', { status: 503, body: anError('SlowDown') }],
    ['InternalError', { status: 500, body: anError('InternalError') }],
    ['a gateway without an answer', { status: 502 }],
    ['too many requests', { status: 429 }],
    ['RequestTimeout', { status: 400, body: anError('RequestTimeout') }],
    ['a conditional request that met another', { status: 409, body: anError('ConditionalRequestConflict') }],
    ['a connection that ends', 'reset'],
  ] as const) {
    test(`${name}, twice, is tried again and told to nobody`, async () => {
      const key = fresh();
      proxy.faults(firstOnes(2, isPut, fault));

      assert.equal(await objects.put(key, aBody(1_000), { ifAbsent: true }), 'written');
      proxy.faults(firstOnes(2, isGet, fault));
      assert.deepEqual(await objects.get(key), aBody(1_000));

      assert.equal(requestsOf(key, isPut), 3);
      assert.equal(requestsOf(key, isGet), 3);
    });
  }

  test('what fails again and again is store_unavailable after the last try, with bucket and endpoint', async () => {
    const key = fresh();
    proxy.faults((request) => (isPut(request) ? { status: 503, body: anError('SlowDown') } : undefined));

    await assert.rejects(objects.put(key, aBody(10)), (error: AppError) => {
      assert.equal(error.code, 'store_unavailable');
      assert.ok(error.message.includes(bucket) && error.message.includes(proxy.endpoint) && error.message.includes('SlowDown'));
      return true;
    });

    assert.equal(requestsOf(key, isPut), 4);
  });

  for (const [code, status, word] of [
    ['storage_full', 507, 'XMinioStorageFull'],
    ['storage_full', 400, 'XMinioAdminBucketQuotaExceeded'],
    ['invalid_setting', 403, 'AccessDenied'],
    ['invalid_setting', 400, 'AuthorizationHeaderMalformed'],
    ['invalid_setting', 301, 'PermanentRedirect'],
    ['invalid_setting', 501, 'NotImplemented'],
    ['invalid_request', 400, 'KeyTooLongError'],
    ['unclassified', 400, 'SomethingElse'],
  ] as const) {
    test(`${word} is ${code}, at once`, async () => {
      const key = fresh();
      proxy.faults((request) => (isPut(request) ? { status, body: anError(word) } : undefined));

      await assert.rejects(objects.put(key, aBody(10)), { code });

      assert.equal(requestsOf(key, isPut), 1);
    });
  }

  for (const bytes of [1_000, 17 * MIB]) {
    test(`a put of ${bytes} bytes with ifAbsent whose answer was lost knows that it was heard`, async () => {
      const key = fresh();
      const body = aBody(bytes);
      proxy.faults(firstOnes(1, (request) => isPut(request) || isCompletion(request), 'lose-answer'));

      assert.equal(await objects.put(key, body, { ifAbsent: true }), 'written');
      assert.equal(await objects.put(key, body, { ifAbsent: true }), 'exists');

      assert.ok(isSame(await objects.get(key), body));
      assert.deepEqual(await minio.openUploads(bucket, key), []);
    });

    test(`a put of ${bytes} bytes with ifAbsent whose request was lost is beaten by one that came between`, async () => {
      const key = fresh();
      const other = await openBucket(minio, bucket);
      proxy.faults(firstOnes(1, (request) => isPut(request) || isCompletion(request), { status: 503 }));
      const unasked = proxy.seen.length;

      const put = objects.put(key, aBody(bytes), { ifAbsent: true });
      while (!proxy.seen.slice(unasked).some((request) => isPut(request) || isCompletion(request))) {
        await new Promise((resolve) => setImmediate(resolve));
      }
      await other.put(key, aBody(5), { ifAbsent: true });

      assert.equal(await put, 'exists');
      assert.deepEqual(await objects.get(key), aBody(5));
      assert.deepEqual(await minio.openUploads(bucket, key), []);
      await other.close();
    });
  }

  test('a put in parts that replaces, whose last answer was lost, knows that it was heard', async () => {
    const key = fresh();
    await objects.put(key, aBody(10));
    proxy.faults(firstOnes(1, isCompletion, 'lose-answer'));

    assert.equal(await objects.put(key, aBody(17 * MIB)), 'written');

    assert.ok(isSame(await objects.get(key), aBody(17 * MIB)));
  });

  test('a part that fails is sent again; what another part carried is not', async () => {
    const key = fresh();
    const body = aBody(40 * MIB);
    proxy.faults(firstOnes(2, ({ url }) => url.includes('partNumber=2&'), 'reset'));

    assert.equal(await objects.put(key, body), 'written');

    assert.ok(isSame(await objects.get(key), body));
    assert.equal(requestsOf(key, isPart), 5 + 2);
  });

  test('a put whose third part fails for good shows nothing, leaves the old object and no upload', async () => {
    const key = fresh();
    await objects.put(key, aBody(10));
    proxy.faults(({ url }) => (url.includes('partNumber=3&') ? { status: 500, body: anError('InternalError') } : undefined));

    await assert.rejects(objects.put(key, aBody(40 * MIB)), { code: 'store_unavailable' });

    assert.deepEqual(await objects.get(key), aBody(10));
    assert.deepEqual(await minio.openUploads(bucket, key), []);
  });

  test('the first part that fails ends the others: none is on its way when the put is over', async () => {
    const key = fresh();
    proxy.faults((request) =>
      request.url.includes('partNumber=3&') ? { status: 403, body: anError('AccessDenied') } : isPart(request) ? 'silence' : undefined,
    );

    await assert.rejects(objects.put(key, aBody(40 * MIB)), { code: 'invalid_setting' });

    await eventually(() => proxy.inFlight() === 0, { deadlineMs: 2_000 });
    assert.equal(requestsOf(key, isPart), 4);
    assert.deepEqual(await minio.openUploads(bucket, key), []);
  });

  test('at most four parts of an object travel at once', async () => {
    const key = fresh();
    const stop = new AbortController();
    proxy.faults((request) => (isPart(request) ? 'silence' : undefined));

    const put = assert.rejects(objects.put(key, aBody(64 * MIB), { signal: stop.signal }), stop.signal.reason);
    while (requestsOf(key, isPart) < 4) await new Promise((resolve) => setImmediate(resolve));
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));

    assert.equal(requestsOf(key, isPart), 4);
    stop.abort();
    await put;
    assert.deepEqual(await minio.openUploads(bucket, key), []);
  });

  test('an upload whose completion fails behind a 200 is completed by the next try', async () => {
    const key = fresh();
    proxy.faults(firstOnes(1, isCompletion, { status: 200, body: anError('InternalError') }));

    assert.equal(await objects.put(key, aBody(17 * MIB)), 'written');

    assert.equal(requestsOf(key, isCompletion), 2);
    assert.ok(isSame(await objects.get(key), aBody(17 * MIB)));
  });

  test('an upload that is gone before its end is store_unavailable, and no object', async () => {
    const key = fresh();
    proxy.faults(firstOnes(1, isCompletion, { status: 404, body: anError('NoSuchUpload') }));

    await assert.rejects(objects.put(key, aBody(17 * MIB)), { code: 'store_unavailable' });

    assert.equal(await objects.has(key), false);
    assert.deepEqual(await minio.openUploads(bucket, key), []);
  });

  test('where unfinished uploads may not be listed, a put in parts goes on', async () => {
    const key = fresh();
    proxy.faults(({ method, url }) =>
      method === 'GET' && url.includes('uploads=') ? { status: 403, body: anError('AccessDenied') } : undefined,
    );

    assert.equal(await objects.put(key, aBody(17 * MIB)), 'written');
  });

  test('an answer that ends in its middle is asked for again', async () => {
    const key = fresh();
    const body = aBody(2 * MIB);
    await objects.put(key, body);
    proxy.faults(firstOnes(2, isGet, 'cut-answer'));

    assert.ok(isSame(await objects.get(key), body));
    assert.equal(requestsOf(key, isGet), 3);
  });

  test('bytes that are not those that were written are never given out', async () => {
    const small = fresh();
    const large = fresh();
    await objects.put(small, aBody(1_000));
    await objects.put(large, aBody(17 * MIB));
    proxy.faults(() => 'flip-bit');

    for (const key of [small, large]) {
      await assert.rejects(objects.get(key), (error: AppError) => error.code === 'store_unavailable' && error.message.includes('SHA-256'));
    }
  });

  test('an answer that begins and then stands still is a timeout', { timeout: 10_000 }, async () => {
    const key = fresh();
    const brief = await openBucket({ ...minio, endpoint: proxy.endpoint }, bucket, { deadlineMs: 300 });
    await brief.put(key, aBody(1_000));
    proxy.faults((request) => (isGet(request) ? 'trickle' : undefined));

    await assert.rejects(brief.get(key), { code: 'timeout' });
    await brief.close();
  });

  test('an object that only looks like an error is an object', async () => {
    const key = fresh();
    const body = new TextEncoder().encode(anError('SlowDown'));

    await objects.put(key, body);

    assert.deepEqual(await objects.get(key), body);
  });
});
