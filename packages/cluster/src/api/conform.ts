import type { KubeObject } from '@osm/kube';
import type { FieldFault, ServedType } from '../types.ts';
import { badRequest } from './errors.ts';
import type { FieldValidation } from './options.ts';
import {
  applyKindDefaults,
  applySchemaDefaults,
  canonical,
  newFaults,
  pruneUnknown,
  unknownFields,
  validateCel,
  validateKind,
  validateValue,
} from './rules.ts';

/** What a write does with fields that the kind does not have. Throws BadRequest when they are refused. */
export const checkFields = (
  type: ServedType,
  object: KubeObject,
  validation: FieldValidation,
  warn: (message: string) => void,
): KubeObject => {
  if (validation !== 'Ignore') {
    const unknown = unknownFields(type.schema, object).map((path) => `unknown field "${path}"`);
    if (unknown.length > 0 && validation === 'Strict')
      throw badRequest(
        `${type.kind} in version "${type.version}" cannot be handled as a ${type.kind}: ` +
          `strict decoding error: ${unknown.join(', ')}`,
      );
    for (const message of unknown.slice(0, 50)) warn(message);
  }
  const pruned = pruneUnknown(type.schema, object);
  // One form for one meaning, before anybody's ownership of a field is looked at.
  return (type.custom ? pruned : canonical(type.schema, pruned)) as KubeObject;
};

/** The object with every default of its kind. */
export const withDefaults = (type: ServedType, object: KubeObject): KubeObject =>
  (type.custom ? applySchemaDefaults(type.schema, object) : applyKindDefaults(type, object)) as KubeObject;

/** Everything that is wrong with an object: values, rules of its kind, and CEL rules of a custom kind. */
export const faultsOf = (type: ServedType, object: KubeObject, old?: KubeObject): readonly FieldFault[] => {
  // A custom object may be older than its schema: what was wrong before is no fault of this update.
  const before = type.custom ? old : undefined;
  const values = newFaults(
    validateValue(type.schema, object, ''),
    before && (() => validateValue(type.schema, before, '')),
  );
  // Rules assume the types to be right: they are looked at only then.
  if (values.length > 0) return values;
  const rules = validateKind(type, object, old);
  if (!type.custom) return rules;
  return [
    ...rules,
    ...newFaults(validateCel(type.schema, object, old), before && (() => validateCel(type.schema, before))),
  ];
};
