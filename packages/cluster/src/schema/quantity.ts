/**
 * Exact decimal quantities (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/): digits, then
 * a binary suffix (Ki … Ei), a decimal one (n u m k M G T P E) or an exponent.
 */
export interface Quantity {
  /** Value times 10^9, exact. */
  readonly nanos: bigint;
  readonly form: 'decimal' | 'binary' | 'exponent';
}

const SYNTAX = /^([+-]?)(\d+\.?\d*|\.\d+)(?:([eE][+-]?\d{1,3})|(n|u|m|k|[KMGTPE]i|[MGTPE])?)$/;

const DECIMAL: readonly (readonly [suffix: string, exponent: number])[] = [
  ['E', 18],
  ['P', 15],
  ['T', 12],
  ['G', 9],
  ['M', 6],
  ['k', 3],
  ['', 0],
  ['m', -3],
  ['u', -6],
  ['n', -9],
];

const BINARY: readonly (readonly [suffix: string, bits: bigint])[] = [
  ['Ei', 60n],
  ['Pi', 50n],
  ['Ti', 40n],
  ['Gi', 30n],
  ['Mi', 20n],
  ['Ki', 10n],
];

const NANO = 1_000_000_000n;

/** Longest text read as a quantity; a sane one has less than 30 characters. */
const LONGEST = 64;

/** Digits and a power of ten as billionths, rounded up to the next one as Kubernetes does. */
const scaled = (digits: bigint, exponent: number, factor: bigint): bigint => {
  const power = exponent + 9;
  if (power >= 0) return digits * factor * 10n ** BigInt(power);
  const divisor = 10n ** BigInt(-power);
  const product = digits * factor;
  return product / divisor + (product % divisor > 0n ? 1n : 0n);
};

/** Reads a quantity; undefined when it is not one. Fractions below a billionth are rounded up. */
export const parseQuantity = (value: unknown): Quantity | undefined => {
  const source = typeof value === 'number' ? String(value) : value;
  if (typeof source !== 'string' || source.length > LONGEST) return undefined;
  const match = SYNTAX.exec(source);
  if (match === null) return undefined;
  const [, sign, mantissa = '', exponent, suffix = ''] = match;
  const [whole = '', fraction = ''] = mantissa.split('.');
  const digits = BigInt(`0${whole}${fraction}`);
  const bits = BINARY.find(([name]) => name === suffix)?.[1];
  const power =
    exponent === undefined ? (DECIMAL.find(([name]) => name === suffix)?.[1] ?? 0) : Number(exponent.slice(1));
  const nanos = scaled(digits, power - fraction.length, bits === undefined ? 1n : 2n ** bits);
  const form = bits !== undefined ? 'binary' : exponent !== undefined ? 'exponent' : 'decimal';
  return { nanos: sign === '-' ? -nanos : nanos, form };
};

const writeBinary = (nanos: bigint): string | undefined => {
  if (nanos % NANO !== 0n) return undefined;
  const value = nanos / NANO;
  const size = value < 0n ? -value : value;
  for (const [suffix, bits] of BINARY) {
    const unit = 2n ** bits;
    if (size >= unit && size % unit === 0n) return `${value / unit}${suffix}`;
  }
  return String(value);
};

const writeDecimal = (nanos: bigint, exponents: boolean): string => {
  for (const [suffix, exponent] of DECIMAL) {
    const unit = 10n ** BigInt(exponent + 9);
    if (nanos % unit !== 0n) continue;
    const digits = String(nanos / unit);
    if (suffix === '' || !exponents) return `${digits}${suffix}`;
    return `${digits}e${exponent}`;
  }
  return '0';
};

/** The canonical text of a quantity: no fraction, the largest suffix that keeps it exact, the form it was written in. */
export const writeQuantity = ({ nanos, form }: Quantity): string => {
  if (nanos === 0n) return '0';
  const binary = form === 'binary' ? writeBinary(nanos) : undefined;
  return binary ?? writeDecimal(nanos, form === 'exponent');
};
