import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { AppError, ERROR_MEANINGS, type ErrorCode, toAppError } from '../../shared/domain/errors.ts';
import { decide, httpStatusOf, pushStatusOf, retryAfterSeconds, retryDelayMs } from '../../shared/runtime/delivery.ts';

const CODES = Object.keys(ERROR_MEANINGS) as ErrorCode[];
const anError = (code: ErrorCode, context = {}): AppError => new AppError(code, 'a failure', context);

describe('the decision over a failed event', () => {
  for (const code of CODES) {
    const meaning = ERROR_MEANINGS[code];
    const expected =
      code === 'unclassified' || meaning === 'resync' || meaning === 'start'
        ? 'retry-limited'
        : { retryable: 'retry', permanent: 'dead-letter', proof: 'dead-letter', conflict: 'acknowledge' }[meaning];
    test(`${code} is ${expected}`, () => {
      assert.equal(decide(anError(code)), expected);
    });
  }

  test('an error that nobody classified is retried without end where it came out of an adapter, ten times out of a handler', () => {
    assert.equal(decide(toAppError(new TypeError('boom'))), 'retry-limited');
    assert.equal(decide(anError('unclassified', { adapter: 'store' })), 'retry');
  });
});

describe('the wait between tries', () => {
  test('grows from 200 ms to 30 s, half fixed and half random', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (tries, random) => {
        const full = Math.min(30_000, 200 * 2 ** Math.min(tries - 1, 20));

        const delay = retryDelayMs(anError('timeout'), tries, { next: () => random });

        assert.ok(delay >= full / 2 && delay <= full, `${delay} of ${full}`);
      }),
    );
  });

  test('never undercuts what the error asks for, and exceeds it by a tenth at most', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 * 86_400_000 }),
        fc.integer({ min: 1, max: 50 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (asked, tries, random) => {
          const delay = retryDelayMs(anError('rate_limited', { retry_after_ms: asked }), tries, { next: () => random });

          assert.ok(delay >= asked && delay <= asked * 1.1, `${delay} of ${asked}`);
        },
      ),
    );
  });

  for (const asked of [0, -5, Number.NaN]) {
    test(`takes retry_after_ms ${asked} for none`, () => {
      assert.ok(retryDelayMs(anError('rate_limited', { retry_after_ms: asked }), 1, { next: () => 0 }) >= 100);
    });
  }
});

describe('the HTTP status of an error', () => {
  for (const [code, status] of [
    ['exchange_unavailable', 503],
    ['rate_limited', 429],
    ['store_unavailable', 503],
    ['bus_unavailable', 503],
    ['storage_full', 503],
    ['timeout', 503],
    ['unclassified', 503],
    ['unparsable_event', 400],
    ['contract_mismatch', 422],
    ['row_refused', 422],
    ['row_conflict', 422],
    ['unknown_symbol', 400],
    ['unsupported_symbol', 400],
    ['invalid_request', 400],
    ['not_yet_supported', 400],
    ['precision_lost', 400],
    ['payload_too_large', 413],
    ['unsupported_media_type', 415],
    ['not_found', 404],
    ['state_conflict', 409],
    ['idempotency_mismatch', 422],
  ] as const) {
    test(`of ${code} is ${status}`, () => {
      assert.equal(httpStatusOf(anError(code)), status);
    });
  }

  test('of a pushed event is one that the sender tries again where, and only where, the error is retryable', () => {
    const triedAgain = (status: number): boolean => status >= 500 || [404, 408, 409, 429].includes(status);

    for (const code of CODES.filter((each) => !['start', 'resync', 'proof'].includes(ERROR_MEANINGS[each]))) {
      assert.equal(triedAgain(pushStatusOf(anError(code))), ERROR_MEANINGS[code] === 'retryable', code);
    }
  });

  test('of a pushed event that was done before is 204', () => {
    assert.equal(pushStatusOf(anError('state_conflict')), 204);
  });

  test('comes with Retry-After for 429 and 503, in whole seconds and never too few', () => {
    assert.equal(retryAfterSeconds(anError('rate_limited', { retry_after_ms: 1_001 }), 429), 2);
    assert.equal(retryAfterSeconds(anError('store_unavailable'), 503), 1);
    assert.equal(retryAfterSeconds(anError('invalid_request'), 400), undefined);
  });
});
