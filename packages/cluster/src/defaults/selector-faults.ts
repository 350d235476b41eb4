import { forbidden, invalid, join, required } from '../schema/fault.ts';
import { labelValue, qualifiedName } from '../schema/names.ts';
import { matchesSelector } from '../selectors/label-match.ts';
import { at, isRecord, list, record, strings, text } from '../store/fields.ts';
import { eachItem, type Faults, labelFaults, NONE, named } from './check.ts';

const expressionFaults = (expression: unknown, path: string): Faults => {
  const { key, operator, values } = record(expression);
  const given = list(values);
  const keyFaults = text(key) === '' ? [required(join(path, 'key'))] : named(join(path, 'key'), key, qualifiedName);
  const here = join(path, 'values');
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (given.length === 0)
        return [...keyFaults, required(here, "must be specified when `operator` is 'In' or 'NotIn'")];
      return [...keyFaults, ...eachItem(here, given, (value, place) => named(place, value, labelValue))];
    case 'Exists':
    case 'DoesNotExist':
      return given.length === 0
        ? keyFaults
        : [...keyFaults, forbidden(here, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")];
    default:
      return [...keyFaults, invalid(join(path, 'operator'), operator, 'not a valid selector operator')];
  }
};

/** Faults of a LabelSelector (meta/v1). */
export const selectorFaults = (path: string, selector: unknown): Faults => {
  if (!isRecord(selector)) return NONE;
  return [
    ...labelFaults(join(path, 'matchLabels'), selector.matchLabels),
    ...eachItem(join(path, 'matchExpressions'), selector.matchExpressions, expressionFaults),
  ];
};

/** True for a selector that selects everything. */
export const isEmptySelector = (selector: unknown): boolean =>
  Object.keys(record(at(selector, 'matchLabels'))).length === 0 && list(at(selector, 'matchExpressions')).length === 0;

/** Faults of the selector of a workload: there, not empty, and matching the labels of its own template. */
export const workloadSelectorFaults = (kind: string, spec: unknown): Faults => {
  const { selector, template } = record(spec);
  if (!isRecord(selector)) return [required('spec.selector')];
  const wrong = selectorFaults('spec.selector', selector);
  if (wrong.length > 0) return wrong;
  if (isEmptySelector(selector)) return [invalid('spec.selector', selector, `empty selector is invalid for ${kind}`)];
  const labels = strings(at(template, 'metadata', 'labels'));
  return matchesSelector(selector, labels)
    ? NONE
    : [invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`')];
};
