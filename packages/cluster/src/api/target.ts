import type { KubeObject } from '@osm/kube';
import { apiVersionOf, bucketOf } from '../kinds/index.ts';
import { isRecord, text } from '../store/fields.ts';
import type { StoredObject } from '../store/index.ts';
import type { ServedType } from '../types.ts';
import { badRequest, notFound } from './errors.ts';
import type { ApiState } from './state.ts';

/** The object or collection that a request is about. */
export interface Target {
  readonly type: ServedType;
  /** '' for cluster-scoped types and for all namespaces. */
  readonly namespace: string;
  /** '' for a collection. */
  readonly name: string;
  readonly subresource: string;
}

/** Key of the target in the store. */
export const keyOf = ({ type, namespace, name }: Pick<Target, 'type' | 'namespace' | 'name'>): string =>
  type.namespaced ? `${namespace}/${name}` : name;

/** The stored object of a target. Throws NotFound. */
export const mustFind = (api: ApiState, target: Target): StoredObject => {
  const found = api.store.get(bucketOf(target.type), keyOf(target));
  if (found === undefined) throw notFound(target.type, target.name);
  return found;
};

/**
 * Checks that a body is an object of the target's kind, name and namespace; missing ones are filled in. Throws BadRequest.
 */
export const readObject = (target: Target, body: unknown): KubeObject => {
  const { type } = target;
  if (!isRecord(body)) throw badRequest(`the body of the request must be a ${type.kind} object`);
  const apiVersion = apiVersionOf(type);
  const metadata = body.metadata === undefined || body.metadata === null ? {} : body.metadata;
  if (!isRecord(metadata)) throw badRequest('metadata must be an object');
  if (body.kind !== undefined && body.kind !== '' && body.kind !== type.kind)
    throw badRequest(
      `${String(body.kind)} in version "${text(body.apiVersion)}" cannot be handled as a ${type.kind}: ` +
        `the kind does not match the URL`,
    );
  if (body.apiVersion !== undefined && body.apiVersion !== '' && body.apiVersion !== apiVersion)
    throw badRequest(
      `the API version in the data (${String(body.apiVersion)}) does not match the expected API version (${apiVersion})`,
    );
  const { namespace } = metadata;
  if (type.namespaced && text(namespace) !== '' && namespace !== target.namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  if (target.name !== '' && text(metadata.name) !== '' && metadata.name !== target.name)
    throw badRequest(
      `the name of the object (${text(metadata.name)}) does not match the name on the URL (${target.name})`,
    );
  return {
    ...body,
    apiVersion,
    kind: type.kind,
    metadata: {
      ...metadata,
      ...(target.name === '' ? {} : { name: target.name }),
      ...(type.namespaced ? { namespace: target.namespace } : {}),
    } as KubeObject['metadata'],
  };
};
