import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AppError } from '../../shared/domain/errors.ts';
import { decodeHeaderValue, encodeHeaderValue } from '../../shared/events/header-encoding.ts';

describe('header values', () => {
  it('are encoded as the examples of the specification', () => {
    assert.equal(encodeHeaderValue('Euro € 😀'), 'Euro%20%E2%82%AC%20%F0%9F%98%80');
    assert.equal(encodeHeaderValue('100%"'), '100%25%22');
    assert.equal(encodeHeaderValue("!#$&'()*+,-./:;<=>?@[\\]^_`{|}~"), "!#$&'()*+,-./:;<=>?@[\\]^_`{|}~");
  });

  it('come back as they were, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(text.isWellFormed());
        const encoded = encodeHeaderValue(text);

        assert.match(encoded, /^[\x21-\x7e]*$/);
        assert.equal(decodeHeaderValue(encoded, 'subject'), text);
      }),
    );
  });

  it('are decoded once, in either case of the digits, and bare per cent signs stay', () => {
    assert.equal(decodeHeaderValue('%2525', 'subject'), '%25');
    assert.equal(decodeHeaderValue('%e2%82%AC', 'subject'), '€');
    assert.equal(decodeHeaderValue('50% of %20', 'subject'), '50% of  ');
  });

  it('are unquoted before they are decoded', () => {
    assert.equal(decodeHeaderValue('"a \\"b\\" \\\\ %20c"', 'subject'), 'a "b" \\  c');
  });

  it('are unparsable_event where the bytes are not UTF-8', () => {
    for (const value of ['%C0%80', '%FF', 'a%E2%82']) {
      assert.throws(
        () => decodeHeaderValue(value, 'subject'),
        (error) => error instanceof AppError && error.code === 'unparsable_event' && error.context.fields?.[0]?.path === 'subject',
      );
    }
  });
});
