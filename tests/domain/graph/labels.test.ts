import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { classCuts, classify, labelValues, type Prices } from '../../../shared/domain/graph/labels.ts';

const prices = (close: readonly number[], imputed: readonly number[] = []): Prices => ({
  symbols: 1,
  bars: close.length,
  close: Float64Array.from(close),
  imputed: Uint8Array.from(close, (_, t) => (imputed.includes(t) ? 1 : 0)),
});
const NONE = Number.NaN;

describe('labels', () => {
  it('are made of the bars behind the node alone, and the last ones have none', () => {
    const values = labelValues(prices([100, 110, 99, 99]), 'dir', 1);

    assert.deepEqual([...classify(values, classCuts('dir', values))], [1, 0, 0, -1]);
  });

  it('are the root mean square of the next returns for vol', () => {
    const [first, second, ...rest] = labelValues(prices([1, Math.E, 1, Math.E ** 2]), 'vol', 2);

    assert.ok(Math.abs((first as number) - 1) < 1e-12);
    assert.ok(Math.abs((second as number) - Math.sqrt((1 + 4) / 2)) < 1e-12);
    assert.deepEqual(rest, [NONE, NONE]);
  });

  it('are none where the node, or a bar that its label needs, has no candle', () => {
    const values = labelValues(prices([1, 2, 2, 3, 4, 5], [2]), 'dir', 2);

    assert.deepEqual(
      [...values].map((value) => Number.isNaN(value)),
      [true, true, true, false, true, true],
    );
  });

  it('are cut into thirds by the values given, and by no other', () => {
    const values = Float64Array.from([5, 1, 4, 2, 3, 6, NONE]);

    const cuts = classCuts('vol', values);

    assert.deepEqual(cuts, [3, 5]);
    assert.deepEqual([...classify(Float64Array.from([0, 3, 3.5, 5, 9, NONE]), cuts)], [0, 0, 1, 1, 2, -1]);
  });
});
