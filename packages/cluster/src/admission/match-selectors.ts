import { matchesSelector } from '../selectors/label-match.ts';
import { at, isRecord, strings } from '../store/fields.ts';
import type { AdmissionRequest } from './request.ts';
import type { Webhook } from './webhook.ts';

const isEmpty = (selector: unknown): boolean =>
  !isRecord(selector) || Object.values(selector).every((value) => isRecord(value) && Object.keys(value).length === 0);

const matchesObject = (selector: unknown, object: unknown): boolean =>
  isRecord(object) && matchesSelector(selector, strings(at(object, 'metadata', 'labels')));

/**
 * Whether a webhook's selectors choose a request: the namespace's labels (cluster-scoped objects have none and are never left
 * out by them), and the labels of the object before or after.
 */
export const matchSelectors = (
  { namespaceSelector, objectSelector }: Webhook,
  request: AdmissionRequest,
  namespaceLabels: Readonly<Record<string, string>>,
): boolean => {
  if (request.namespace !== undefined && !matchesSelector(namespaceSelector, namespaceLabels)) return false;
  if (isEmpty(objectSelector)) return true;
  return matchesObject(objectSelector, request.object) || matchesObject(objectSelector, request.oldObject);
};
