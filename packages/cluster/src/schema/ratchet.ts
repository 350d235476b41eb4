import type { FieldFault } from '../types.ts';

/**
 * The faults that an update brings: those that the old object did not have. An object that was fine when it was stored can so
 * still be changed elsewhere after its schema has become stricter
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-ratcheting).
 * `before` is asked only when there are faults.
 */
export const newFaults = (
  faults: readonly FieldFault[],
  before: (() => readonly FieldFault[]) | undefined,
): readonly FieldFault[] => {
  if (faults.length === 0 || before === undefined) return faults;
  const present = new Set(before().map(({ path, message }) => `${path}: ${message}`));
  return faults.filter(({ path, message }) => !present.has(`${path}: ${message}`));
};
