/**
 * Sums of decimal numbers without rounding: every double stands for the shortest decimal that reads back as it, the sum is kept as an integer scaled by a
 * power of ten, and becomes the nearest double once, at the end. Naive sums of doubles were wrong in most real minutes of trades.
 */
export class ExactSum {
  #units = 0n;
  #scale = 0;

  /** Adds a finite number. Throws `RangeError` for NaN and infinities. */
  add(value: number): void {
    this.#addScaled(toDecimal(value));
  }

  /** Adds the exact product of two finite numbers. */
  addProduct(a: number, b: number): void {
    const left = toDecimal(a);
    const right = toDecimal(b);
    this.#addScaled({ units: left.units * right.units, scale: left.scale + right.scale });
  }

  /** The sum as the nearest double. */
  toNumber(): number {
    return Number(this.toString());
  }

  /** The sum as a plain decimal, exact. */
  toString(): string {
    const negative = this.#units < 0n;
    const digits = (negative ? -this.#units : this.#units).toString().padStart(this.#scale + 1, '0');
    const whole = digits.slice(0, digits.length - this.#scale);
    const fraction = this.#scale === 0 ? '' : `.${digits.slice(-this.#scale)}`;
    return `${negative ? '-' : ''}${whole}${fraction}`;
  }

  #addScaled(decimal: Decimal): void {
    if (decimal.scale > this.#scale) {
      this.#units *= 10n ** BigInt(decimal.scale - this.#scale);
      this.#scale = decimal.scale;
    }
    this.#units += decimal.units * 10n ** BigInt(this.#scale - decimal.scale);
  }
}

interface Decimal {
  readonly units: bigint;
  readonly scale: number;
}

const PARTS = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/;

function toDecimal(value: number): Decimal {
  const [, sign, whole, fraction = '', exponent = '0'] = PARTS.exec(String(value)) ?? [];
  if (whole === undefined) throw new RangeError(`${value} has no decimal form`);
  const units = BigInt(`${sign}${whole}${fraction}`);
  const scale = fraction.length - Number(exponent);
  return scale >= 0 ? { units, scale } : { units: units * 10n ** BigInt(-scale), scale: 0 };
}
