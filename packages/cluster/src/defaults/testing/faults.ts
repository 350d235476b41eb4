import assert from 'node:assert/strict';
import { validateValue } from '../../schema/values.ts';
import { deepFreeze, record } from '../../store/fields.ts';
import { applyKindDefaults } from '../kind-defaults.ts';
import { validateKind } from '../kind-faults.ts';
import { objectOf, typeOf } from './types.ts';

/** One case: fields of an object, and the faults it must have, each an expression that matches `path: message`. */
export type Case = readonly [fields: object, faults: readonly RegExp[]];

/** The faults of an object of a kind with its defaults in place, as `path: message`; `old` is what it replaces. */
export const faultsOf = (kind: string, fields: object, old?: object): readonly string[] => {
  const type = typeOf(kind);
  const filled = (given: object) => {
    const { metadata, ...rest } = given as { metadata?: object };
    return deepFreeze(applyKindDefaults(type, objectOf(type, rest, record(metadata)))) as object;
  };
  const object = filled(fields);
  assert.deepEqual(validateValue(type.schema, object, ''), [], `${kind} ${JSON.stringify(fields)}`);
  return validateKind(type, object, old === undefined ? undefined : filled(old)).map(
    ({ path, message }) => `${path}: ${message}`,
  );
};

/** Checks a table of cases of one kind; `make` makes objects of the fields, `old` is what an update replaces. */
export const check = (
  kind: string,
  cases: readonly Case[],
  make: (fields: object) => object = (fields) => fields,
  old?: object,
): void => {
  for (const [fields, wanted] of cases) {
    const faults = faultsOf(kind, make(fields), old);
    const shown = `${kind} ${JSON.stringify(fields)}\n${faults.join('\n')}`;
    assert.equal(faults.length, wanted.length, shown);
    for (const [index, expression] of wanted.entries()) assert.match(faults[index] ?? '', expression, shown);
  }
};
