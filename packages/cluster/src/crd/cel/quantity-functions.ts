import type { Environment } from '@marcbachmann/cel-js';
import { parseQuantity } from '../../schema/quantity.ts';

const NANO = 1_000_000_000n;

/** A quantity of CEL: its value in billionths. */
class QuantityValue {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

const read = (text: string): QuantityValue => {
  const quantity = parseQuantity(text);
  if (quantity === undefined) throw new Error(`quantity(): ${JSON.stringify(text)} is not a quantity`);
  return new QuantityValue(quantity.nanos);
};

const sign = (value: bigint): bigint => (value < 0n ? -1n : value > 0n ? 1n : 0n);

const asInteger = ({ nanos }: QuantityValue): bigint => {
  if (nanos % NANO !== 0n) throw new Error('asInteger(): the quantity is not a whole number');
  return nanos / NANO;
};

/** The functions on quantities (https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-quantity-library). */
export const registerQuantityFunctions = (environment: Environment): void => {
  const compare = (left: QuantityValue, right: QuantityValue): bigint => sign(left.nanos - right.nanos);
  environment
    .registerType('kubernetes.Quantity', QuantityValue)
    .registerFunction('quantity(string): kubernetes.Quantity', read)
    .registerFunction('isQuantity(string): bool', (text: string) => parseQuantity(text) !== undefined)
    .registerFunction('kubernetes.Quantity.sign(): int', (value: QuantityValue) => sign(value.nanos))
    .registerFunction('kubernetes.Quantity.isInteger(): bool', (value: QuantityValue) => value.nanos % NANO === 0n)
    .registerFunction('kubernetes.Quantity.asInteger(): int', asInteger)
    .registerFunction(
      'kubernetes.Quantity.asApproximateFloat(): double',
      (value: QuantityValue) => Number(value.nanos) / 1e9,
    )
    .registerFunction('kubernetes.Quantity.compareTo(kubernetes.Quantity): int', compare)
    .registerFunction(
      'kubernetes.Quantity.isGreaterThan(kubernetes.Quantity): bool',
      (left: QuantityValue, right: QuantityValue) => left.nanos > right.nanos,
    )
    .registerFunction(
      'kubernetes.Quantity.isLessThan(kubernetes.Quantity): bool',
      (left: QuantityValue, right: QuantityValue) => left.nanos < right.nanos,
    )
    .registerFunction(
      'kubernetes.Quantity.add(kubernetes.Quantity): kubernetes.Quantity',
      (left: QuantityValue, right: QuantityValue) => new QuantityValue(left.nanos + right.nanos),
    )
    .registerFunction(
      'kubernetes.Quantity.add(int): kubernetes.Quantity',
      (left: QuantityValue, right: bigint) => new QuantityValue(left.nanos + right * NANO),
    )
    .registerFunction(
      'kubernetes.Quantity.sub(kubernetes.Quantity): kubernetes.Quantity',
      (left: QuantityValue, right: QuantityValue) => new QuantityValue(left.nanos - right.nanos),
    )
    .registerFunction(
      'kubernetes.Quantity.sub(int): kubernetes.Quantity',
      (left: QuantityValue, right: bigint) => new QuantityValue(left.nanos - right * NANO),
    )
    .registerOperator(
      'kubernetes.Quantity == kubernetes.Quantity',
      (left: QuantityValue, right: QuantityValue) => left.nanos === right.nanos,
    );
};
