import { Optional } from '@marcbachmann/cel-js';
import { duplicate, forbidden, invalid, item, join, required } from '../../schema/fault.ts';
import { fieldSchema } from '../../schema/prune.ts';
import { isRecord } from '../../store/fields.ts';
import type { FieldFault, TypeSchema } from '../../types.ts';
import { sameCel } from './equality.ts';
import { type Budget, OBJECT_BUDGET, programOf } from './program.ts';
import { celValue } from './value.ts';

type Rule = NonNullable<TypeSchema['validations']>[number];

/** Faults that are told at most. */
const MOST = 50;

interface Walk {
  readonly faults: FieldFault[];
  readonly budget: Budget;
  /** True on updates: only then is there an old value, and rules about changes are looked at. */
  readonly update: boolean;
}

const known = new WeakMap<TypeSchema, boolean>();

/** True when a rule stands somewhere in the schema. */
export const hasRules = (schema: TypeSchema): boolean => {
  const before = known.get(schema);
  if (before !== undefined) return before;
  known.set(schema, false);
  const children = [
    ...(schema.properties?.values() ?? []),
    ...(schema.items === undefined ? [] : [schema.items]),
    ...(typeof schema.additionalProperties === 'object' ? [schema.additionalProperties] : []),
  ];
  const found = (schema.validations?.length ?? 0) > 0 || children.some(hasRules);
  known.set(schema, found);
  return found;
};

/** The word for a value in messages: rules speak of whole objects, which are not shown. */
const shown = (value: unknown): unknown => {
  if (Array.isArray(value)) return 'array';
  return isRecord(value) ? 'object' : value;
};

const faultOf = (rule: Rule, path: string, value: unknown, message: string): FieldFault => {
  const where = rule.fieldPath === undefined ? path : `${path}${rule.fieldPath}`.replace(/^\./, '');
  switch (rule.reason) {
    case 'FieldValueForbidden':
      return forbidden(where, message);
    case 'FieldValueRequired':
      return required(where, message);
    case 'FieldValueDuplicate':
      return duplicate(where, shown(value));
    default:
      return invalid(where, shown(value), message);
  }
};

const messageOf = (rule: Rule, variables: { self: unknown; oldSelf?: unknown }, budget: Budget): string => {
  const plain = rule.message?.trim() || `failed rule: ${rule.rule.trim()}`;
  if (rule.messageExpression === undefined) return plain;
  try {
    const made = programOf(rule.messageExpression).run(variables, budget);
    return typeof made === 'string' && made.trim() !== '' && !made.includes('\n') ? made.trim() : plain;
  } catch {
    return plain;
  }
};

const applyRule = (rule: Rule, schema: TypeSchema, value: unknown, old: unknown, path: string, walk: Walk): void => {
  try {
    const program = programOf(rule.rule);
    const self = celValue(schema, value);
    const before = old === undefined ? undefined : celValue(schema, old);
    if (program.usesOld && rule.optionalOldSelf !== true && (!walk.update || before === undefined)) return;
    const oldSelf = rule.optionalOldSelf === true ? Optional.of(before) : before;
    const variables = { self, ...(oldSelf === undefined ? {} : { oldSelf }) };
    if (program.run(variables, walk.budget) !== true)
      walk.faults.push(faultOf(rule, path, value, messageOf(rule, variables, walk.budget)));
  } catch (error) {
    walk.faults.push(
      invalid(path, shown(value), `${(error as Error).message} evaluating rule: ${rule.message ?? rule.rule}`),
    );
  }
};

/** The old item that is the same one: by its keys in a map, by itself in a set; none in an atomic list. */
const oldItem = (schema: TypeSchema, old: unknown, child: unknown): unknown => {
  if (schema.listType !== 'map' || !Array.isArray(old) || !isRecord(child)) return undefined;
  const keys = schema.listMapKeys ?? [];
  return old.find((other) => isRecord(other) && keys.every((key) => sameCel(other[key], child[key])));
};

const visit = (schema: TypeSchema, value: unknown, old: unknown, path: string, walk: Walk): void => {
  if (value === undefined || value === null || walk.faults.length >= MOST || !hasRules(schema)) return;
  for (const rule of schema.validations ?? []) applyRule(rule, schema, value, old ?? undefined, path, walk);
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items !== undefined)
      for (const [index, child] of value.entries())
        visit(items, child, oldItem(schema, old, child), item(path, index), walk);
    return;
  }
  if (!isRecord(value)) return;
  for (const [name, child] of Object.entries(value)) {
    const field = fieldSchema(schema, name);
    if (field !== undefined) visit(field, child, isRecord(old) ? old[name] : undefined, join(path, name), walk);
  }
};

/**
 * Rules (`x-kubernetes-validations`) that an object breaks; `old` is the object before an update. Rules that speak of
 * `oldSelf` hold for what was there before only
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules). Values
 * must have been found right by the schema. The cost of all rules together is bounded; beyond it the object is refused.
 */
export const validateCel = (schema: TypeSchema, object: object, old?: object): readonly FieldFault[] => {
  const walk: Walk = { faults: [], budget: { left: OBJECT_BUDGET }, update: old !== undefined };
  visit(schema, object, old, '', walk);
  return walk.faults;
};
