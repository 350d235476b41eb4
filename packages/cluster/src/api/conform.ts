import type { KubeObject } from '@osm/kube';
import type { FieldFault, ServedType } from '../types.ts';
import { badRequest } from './errors.ts';
import type { FieldValidation } from './options.ts';
import {
  applyKindDefaults,
  applySchemaDefaults,
  canonical,
  hasRules,
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
  const pruned = pruneUnknown(type.schema, object) as KubeObject;
  // One form for one meaning, before anybody's ownership of a field is looked at.
  if (!type.custom) return canonical(type.schema, pruned) as KubeObject;
  const metadata = type.schema.properties?.get('metadata');
  if (metadata === undefined) return pruned;
  const next = canonical(metadata, pruned.metadata) as KubeObject['metadata'];
  return next === pruned.metadata ? pruned : { ...pruned, metadata: next };
};

/** Values of a built-in object that are not of their field's type: what cannot be read as an object of that kind at all. */
export const unreadable = (type: ServedType, object: KubeObject): readonly FieldFault[] =>
  type.custom ? [] : validateValue(type.schema, object, '').filter(({ message }) => UNREADABLE.test(message));

const UNREADABLE = /must be of type|quantities must match/;

/** The object with every default of its kind. */
export const withDefaults = (type: ServedType, object: KubeObject): KubeObject =>
  (type.custom ? applySchemaDefaults(type.schema, object) : applyKindDefaults(type, object)) as KubeObject;

/** Faults after which the rules of a custom kind are not looked at (hasBlockingErr of the API server's custom resources). */
const BLOCKING: ReadonlySet<string> = new Set([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);

const UNCHECKED: FieldFault = Object.freeze({
  path: '<nil>',
  reason: 'FieldValueInvalid',
  message:
    'Invalid value: null: some validation rules were not checked because the object was invalid; ' +
    'correct the existing errors to complete validation',
});

/** Everything that is wrong with an object: values, rules of its kind, and CEL rules of a custom kind. */
export const faultsOf = (type: ServedType, object: KubeObject, old?: KubeObject): readonly FieldFault[] => {
  // A custom object may be older than its schema: what was wrong before is no fault of this update.
  const before = type.custom ? old : undefined;
  const values = newFaults(
    validateValue(type.schema, object, ''),
    before && (() => validateValue(type.schema, before, '')),
  );
  // Rules assume the types to be right: they are looked at only then.
  if (values.length > 0 && !type.custom) return values;
  if (values.some(({ reason }) => BLOCKING.has(reason))) return hasRules(type.schema) ? [...values, UNCHECKED] : values;
  const rules = validateKind(type, object, old);
  if (!type.custom) return rules;
  return [
    ...values,
    ...rules,
    ...newFaults(validateCel(type.schema, object, old), before && (() => validateCel(type.schema, before))),
  ];
};
