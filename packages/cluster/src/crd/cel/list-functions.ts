import type { Environment } from '@marcbachmann/cel-js';
import { sameCel } from './equality.ts';

type Ordered = bigint | number | string | boolean | Date;

const order = (left: unknown, right: unknown): number => {
  const [a, b] = [left as Ordered, right as Ordered];
  if (a < b) return -1;
  return a > b ? 1 : 0;
};

const indexIn = (values: readonly unknown[], wanted: unknown): bigint =>
  BigInt(values.findIndex((value) => sameCel(value, wanted)));

const lastIndexIn = (values: readonly unknown[], wanted: unknown): bigint =>
  BigInt(values.findLastIndex((value) => sameCel(value, wanted)));

const sum = (values: readonly unknown[]): unknown => {
  if (values.length === 0) return 0n;
  if (values.every((value) => typeof value === 'bigint')) return values.reduce((total, value) => total + value, 0n);
  if (values.every((value) => typeof value === 'bigint' || typeof value === 'number'))
    return values.reduce<number>((total, value) => total + Number(value), 0);
  throw new Error('sum() takes a list of numbers');
};

const extreme = (values: readonly unknown[], sign: 1 | -1): unknown => {
  if (values.length === 0) throw new Error(`${sign === 1 ? 'max' : 'min'} called on empty list`);
  return values.reduce((best, value) => (order(value, best) * sign > 0 ? value : best));
};

const flatten = (values: readonly unknown[], depth: number): unknown[] => values.flat(depth) as unknown[];

const distinct = (values: readonly unknown[]): unknown[] =>
  values.filter((value, index) => values.findIndex((other) => sameCel(other, value)) === index);

const slice = (values: readonly unknown[], from: bigint, to: bigint): unknown[] => {
  if (from < 0n || to > BigInt(values.length) || from > to) throw new Error(`slice(${from}, ${to}) is out of range`);
  return values.slice(Number(from), Number(to));
};

const includes = (values: readonly unknown[], wanted: unknown): boolean =>
  values.some((value) => sameCel(value, wanted));

/** The functions on lists and sets: isSorted, sum, min, max, indexOf, lastIndexOf, sort, distinct, flatten, reverse, slice, sets.*. */
export const registerListFunctions = (environment: Environment): void => {
  class Sets {}
  environment
    .registerFunction('list.isSorted(): bool', (values: unknown[]) =>
      values.every((value, index) => index === 0 || order(values[index - 1], value) <= 0),
    )
    .registerFunction('list.sum(): dyn', sum)
    .registerFunction('list.min(): dyn', (values: unknown[]) => extreme(values, -1))
    .registerFunction('list.max(): dyn', (values: unknown[]) => extreme(values, 1))
    .registerFunction('list.indexOf(dyn): int', indexIn)
    .registerFunction('list.lastIndexOf(dyn): int', lastIndexIn)
    .registerFunction('list.sort(): list', (values: unknown[]) => [...values].sort(order))
    .registerFunction('list.distinct(): list', distinct)
    .registerFunction('list.flatten(): list', (values: unknown[]) => flatten(values, 1))
    .registerFunction('list.flatten(int): list', (values: unknown[], depth: bigint) => flatten(values, Number(depth)))
    .registerFunction('list.reverse(): list', (values: unknown[]) => [...values].reverse())
    .registerFunction('list.slice(int, int): list', slice)
    .registerType('Sets', Sets)
    .registerConstant('sets', 'Sets', new Sets())
    .registerFunction('Sets.contains(list, list): bool', (_sets: Sets, left: unknown[], right: unknown[]) =>
      right.every((value) => includes(left, value)),
    )
    .registerFunction(
      'Sets.equivalent(list, list): bool',
      (_sets: Sets, left: unknown[], right: unknown[]) =>
        right.every((value) => includes(left, value)) && left.every((value) => includes(right, value)),
    )
    .registerFunction('Sets.intersects(list, list): bool', (_sets: Sets, left: unknown[], right: unknown[]) =>
      right.some((value) => includes(left, value)),
    );
};
