import { at, list, strings, text, texts } from '../store/fields.ts';

/**
 * Whether labels match a LabelSelector (`matchLabels` and `matchExpressions`). An empty selector matches everything, an
 * absent one nothing (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/label-selector/).
 */
export const matchesSelector = (selector: unknown, labels: Readonly<Record<string, string>> = {}): boolean => {
  if (selector === undefined || selector === null) return false;
  const wanted = Object.entries(strings(at(selector, 'matchLabels')));
  if (!wanted.every(([key, value]) => labels[key] === value)) return false;
  return list(at(selector, 'matchExpressions')).every((expression) => {
    const key = text(at(expression, 'key'));
    const value = labels[key];
    const values = texts(at(expression, 'values'));
    switch (at(expression, 'operator')) {
      case 'In':
        return value !== undefined && values.includes(value);
      case 'NotIn':
        return value === undefined || !values.includes(value);
      case 'Exists':
        return value !== undefined;
      case 'DoesNotExist':
        return value === undefined;
      default:
        return false;
    }
  });
};
