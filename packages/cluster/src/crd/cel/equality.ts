import { isRecord } from '../../store/fields.ts';

/** Equality of CEL values of the kinds that JSON gives. */
export const sameCel = (left: unknown, right: unknown): boolean => {
  if (left === right) return true;
  if (typeof left === 'bigint' || typeof right === 'bigint')
    return (typeof left === 'number' || typeof right === 'number') && Number(left) === Number(right);
  if (left instanceof Date && right instanceof Date) return left.getTime() === right.getTime();
  if (Array.isArray(left))
    return (
      Array.isArray(right) && left.length === right.length && left.every((child, index) => sameCel(child, right[index]))
    );
  if (!isRecord(left) || !isRecord(right)) return false;
  const names = Object.keys(left);
  return names.length === Object.keys(right).length && names.every((name) => sameCel(left[name], right[name]));
};
