import type { DeleteOptions, ListOptions, ResourceType, WriteOptions } from './types.ts';

/**
 * Path of a collection, an object or a subresource
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris). Without a namespace, the collection of all
 * namespaces. Throws RangeError for a name or namespace that cannot be one path segment.
 */
export function resourcePath(
  type: ResourceType,
  place: {
    readonly namespace?: string | undefined;
    readonly name?: string | undefined;
    readonly subresource?: string | undefined;
  } = {},
): string {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const namespace =
    type.namespaced && place.namespace !== undefined && place.namespace !== ''
      ? `/namespaces/${segment(place.namespace)}`
      : '';
  const name = place.name === undefined ? '' : `/${segment(place.name)}`;
  const subresource = place.subresource === undefined ? '' : `/${segment(place.subresource)}`;
  return `${root}${namespace}/${type.resource}${name}${subresource}`;
}

/** Query of a list, watch or deleteCollection, without the question mark. */
export function listQuery(options: ListOptions): URLSearchParams {
  const query = new URLSearchParams();
  for (const name of ['labelSelector', 'fieldSelector', 'limit', 'continue', 'resourceVersion'] as const) {
    const value = options[name];
    if (value !== undefined && value !== '') query.set(name, String(value));
  }
  return query;
}

/** Query of a write. */
export function writeQuery(options: WriteOptions): URLSearchParams {
  const query = new URLSearchParams();
  if (options.dryRun === true) query.set('dryRun', 'All');
  if (options.fieldManager !== undefined) query.set('fieldManager', options.fieldManager);
  if (options.force !== undefined) query.set('force', String(options.force));
  return query;
}

/** The body of a delete (`meta/v1 DeleteOptions`); undefined when the defaults serve. */
export function deleteBody(options: DeleteOptions): object | undefined {
  const { gracePeriodSeconds, propagationPolicy, preconditions } = options;
  const given = Object.fromEntries(
    Object.entries({ gracePeriodSeconds, propagationPolicy, preconditions }).filter(([, value]) => value !== undefined),
  );
  return Object.keys(given).length === 0 ? undefined : { apiVersion: 'v1', kind: 'DeleteOptions', ...given };
}

function segment(text: string): string {
  // The rule of the API server for every name (path segment names): it must stay within its place in the path.
  if (text === '' || text === '.' || text === '..' || /[/%]/.test(text)) {
    throw new RangeError(`${JSON.stringify(text)} cannot be a name in an API path`);
  }
  return encodeURIComponent(text);
}
