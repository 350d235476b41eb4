import type { KubeObject } from '@osm/kube';
import { at, list, record, strings, text, texts } from '../store/fields.ts';
import type { PrinterColumn } from '../types.ts';
import { ageOf } from './duration.ts';

type Cell = PrinterColumn['cell'];

/** A text column that is always shown. */
export const column = (name: string, cell: Cell, type: PrinterColumn['type'] = 'string'): PrinterColumn => ({
  name,
  type,
  priority: 0,
  cell,
});

/** A column shown with `-o wide` only. */
export const wide = (name: string, cell: Cell, type: PrinterColumn['type'] = 'string'): PrinterColumn => ({
  name,
  type,
  priority: 1,
  cell,
});

/** The first column of every table. */
export const NAME: PrinterColumn = Object.freeze({
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name must be unique within a namespace.',
  priority: 0,
  cell: (object: KubeObject) => object.metadata.name,
});

/** Time since creation. */
export const AGE: PrinterColumn = Object.freeze({
  name: 'Age',
  type: 'string',
  description: 'Time since the object was created.',
  priority: 0,
  cell: (object: KubeObject, now: Date) => ageOf(object.metadata.creationTimestamp, now),
});

/** Moment of creation, for kinds that kubectl lists by date. */
export const CREATED_AT: PrinterColumn = Object.freeze({
  name: 'Created At',
  type: 'date',
  priority: 0,
  cell: (object: KubeObject) => object.metadata.creationTimestamp ?? '<unknown>',
});

/** The text, or kubectl's word for nothing. */
export const orNone = (value: string): string => (value === '' ? '<none>' : value);

/** Labels as `a=b,c=d` in key order. */
export const labelsText = (labels: unknown): string =>
  orNone(
    Object.entries(strings(labels))
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, value]) => `${key}=${value}`)
      .join(','),
  );

/** A label selector as kubectl writes it: `a=b,c in (d,e),!f`. */
export const selectorText = (selector: unknown): string => {
  if (selector === undefined || selector === null) return '<none>';
  const parts = Object.entries(strings(at(selector, 'matchLabels')))
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`);
  for (const item of list(at(selector, 'matchExpressions'))) {
    const { key, operator } = record(item);
    const values = [...texts(at(item, 'values'))].sort().join(',');
    if (operator === 'In') parts.push(`${text(key)} in (${values})`);
    else if (operator === 'NotIn') parts.push(`${text(key)} notin (${values})`);
    else if (operator === 'Exists') parts.push(text(key));
    else if (operator === 'DoesNotExist') parts.push(`!${text(key)}`);
  }
  return orNone(parts.join(','));
};

const ofContainers = (field: 'name' | 'image'): Cell => {
  return (object) =>
    list(at(object, 'spec', 'template', 'spec', 'containers'))
      .map((container) => text(at(container, field)))
      .join(',');
};

/** The wide columns of workloads: containers and images of the pod template. */
export const TEMPLATE_COLUMNS: readonly PrinterColumn[] = Object.freeze([
  wide('Containers', ofContainers('name')),
  wide('Images', ofContainers('image')),
]);

/** The wide selector column of workloads. */
export const SELECTOR: PrinterColumn = Object.freeze(
  wide('Selector', (object) => selectorText(at(object, 'spec', 'selector'))),
);
