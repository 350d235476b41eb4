import { AGE, NAME } from '../kinds/column.ts';
import { ageOf } from '../kinds/index.ts';
import { list, number, record, text } from '../store/fields.ts';
import type { PrinterColumn } from '../types.ts';
import { followJsonPath, type JsonPath, readJsonPath } from './json-path.ts';

/** Types that a column may have. */
export const COLUMN_TYPES = ['integer', 'number', 'string', 'boolean', 'date'] as const;

const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** The cell for a value; null when there is none or it is not of the column's type. */
const cellOf = (type: PrinterColumn['type'], value: unknown, now: Date): ReturnType<PrinterColumn['cell']> => {
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      if (typeof value !== 'string') return null;
      return Number.isNaN(Date.parse(value)) ? '<invalid>' : ageOf(value, now);
    case 'string':
      return asText(value);
  }
};

const pathOf = (source: string): JsonPath | undefined => {
  try {
    return readJsonPath(source);
  } catch {
    return undefined;
  }
};

const columnOf = (raw: unknown): PrinterColumn => {
  const { name, type, format, description, priority, jsonPath } = record(raw);
  const path = pathOf(text(jsonPath));
  const kind = COLUMN_TYPES.find((known) => known === type) ?? 'string';
  return Object.freeze({
    name: text(name),
    type: kind,
    ...(typeof format === 'string' ? { format } : {}),
    ...(typeof description === 'string' ? { description } : {}),
    priority: number(priority),
    cell: (object, now) => (path === undefined ? null : cellOf(kind, followJsonPath(path, object)[0], now)),
  } satisfies PrinterColumn);
};

/** The columns of a version of a definition: its own behind the name, or name and age. */
export const columnsOf = (version: unknown): readonly PrinterColumn[] => {
  const own = list(record(version).additionalPrinterColumns);
  return Object.freeze([NAME, ...(own.length === 0 ? [AGE] : own.map(columnOf))]);
};
