import { isRecord } from '../store/fields.ts';
import type { TypeSchema } from '../types.ts';
import { fieldSchema } from './shape.ts';

/**
 * The value without null fields where the schema names a type and allows no null: there, null says that the field is to be absent.
 * Unchanged parts are shared.
 */
export const withoutNulls = (schema: TypeSchema, value: unknown): unknown => {
  if (Array.isArray(value)) return withoutNullsInItems(schema, value);
  if (!isRecord(value)) return value;
  let result: Record<string, unknown> | undefined;
  for (const [name, present] of Object.entries(value)) {
    const field = fieldSchema(schema, name);
    const absent = present === null && field.type !== undefined && field.nullable !== true;
    const kept = absent ? undefined : withoutNulls(field, present);
    if (kept === present) continue;
    result ??= { ...value };
    if (kept === undefined) delete result[name];
    else result[name] = kept;
  }
  return result ?? value;
};

const withoutNullsInItems = ({ items }: TypeSchema, list: readonly unknown[]): readonly unknown[] => {
  if (items === undefined) return list;
  const kept = list.map((item) => withoutNulls(items, item));
  return kept.some((item, index) => item !== list[index]) ? kept : list;
};
