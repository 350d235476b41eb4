import type { KubeObject } from '@osm/kube';
import { apiVersionOf, bucketOf, fromStored, toStored } from '../kinds/index.ts';
import { StoreConflict, type StoredObject } from '../store/index.ts';
import { type AdmissionCall, admitBuiltin, checkNamespace } from './admit.ts';
import { checkFields, faultsOf, unreadable, withDefaults } from './conform.ts';
import { alreadyExists, badRequest, conflict, invalid, modified, notFound, StatusError } from './errors.ts';
import { hooksOf } from './kind-hooks.ts';
import { asCreated, asRequested } from './new-object.ts';
import { readWriteOptions, type WriteOptions } from './options.ts';
import { checkEscalation } from './rbac-admission.ts';
import { trackManagedFields } from './rules.ts';
import type { ApiState, RequestContext } from './state.ts';
import {
  countGeneration,
  deletionComplete,
  metadataFaults,
  prepareCreate,
  prepareUpdate,
  sameObject,
} from './strategy.ts';
import { keyOf, mustFind, readObject, type Target } from './target.ts';
import { callWebhooks } from './webhooks.ts';

const callOf = (
  target: Target,
  operation: AdmissionCall['operation'],
  context: RequestContext,
  options: WriteOptions,
): Omit<AdmissionCall, 'object' | 'old'> => ({
  target,
  operation,
  user: context.user,
  dryRun: options.dryRun,
  options: {
    kind: operation === 'CREATE' ? 'CreateOptions' : 'UpdateOptions',
    apiVersion: 'meta.k8s.io/v1',
    fieldManager: options.manager,
    ...(options.dryRun ? { dryRun: ['All'] } : {}),
  },
  signal: context.signal,
  warn: (message) => context.warn(message),
});

const tracked = (api: ApiState, target: Target, live: KubeObject | undefined, updated: KubeObject, manager: string) =>
  trackManagedFields({
    live,
    updated,
    manager,
    operation: 'Update',
    schema: target.type.schema,
    subresource: target.subresource,
    apiVersion: apiVersionOf(target.type),
    now: api.now(),
  }) as KubeObject;

/** The object in the body of a request, whole. Throws BadRequest for what cannot be read as one of its kind. */
export const decode = (target: Target, context: RequestContext, options: WriteOptions, body: unknown): KubeObject => {
  const { type } = target;
  const object = checkFields(type, readObject(target, body), options.fieldValidation, (text) => context.warn(text));
  const [fault] = unreadable(type, object);
  if (fault === undefined) return object;
  throw badRequest(
    `${type.kind} in version "${type.version}" cannot be handled as a ${type.kind}: ${fault.path}: ${fault.message}`,
  );
};

/** Creates the object in `body`. Throws StatusError. */
export const createFromBody = (
  api: ApiState,
  target: Target,
  context: RequestContext,
  body: unknown,
): Promise<KubeObject> => {
  const options = readWriteOptions(context);
  const object = decode(target, context, options, body);
  return createObject(api, target, context, object, options, true);
};

/** Creates an object; `track` says whether its fields become the manager's (an applied object has its owners already). */
export const createObject = async (
  api: ApiState,
  target: Target,
  context: RequestContext,
  given: KubeObject,
  options: WriteOptions,
  track: boolean,
): Promise<KubeObject> => {
  const { type, namespace } = target;
  const prepared = withDefaults(type, prepareCreate(type, given, namespace, api.now()));
  const { name } = prepared.metadata;
  if (name === '')
    throw invalid(type, '', [
      {
        path: 'metadata.name',
        reason: 'FieldValueRequired',
        message: 'Required value: name or generateName is required',
      },
    ]);
  if (isTerminating(api, type))
    throw new StatusError(
      405,
      'MethodNotAllowed',
      `create not allowed while custom resource definition is terminating`,
    );
  const named = { ...target, name };
  const base = callOf(named, 'CREATE', context, options);
  checkNamespace(api, { ...base, object: prepared, old: undefined });
  const exists = () => alreadyExists(type, name);
  if (api.store.get(bucketOf(type), keyOf(named)) !== undefined) throw exists();
  const owned = track ? tracked(api, named, undefined, prepared, options.manager) : prepared;
  const admitted = admitBuiltin(api, { ...base, object: owned, old: undefined }, owned);
  // Webhooks are not told a name that is only being generated.
  const generated = (given.metadata.name ?? '') === '';
  const asked = generated ? callOf({ ...named, name: '' }, 'CREATE', context, options) : base;
  const requested = asRequested(type, admitted, generated);
  const mutated = await callWebhooks(api, 'mutating', { ...asked, object: requested, old: undefined }, requested);
  const created = mutated === requested ? admitted : asCreated(type, mutated, admitted);
  const final = hooksOf(type).beforeCreate(api, withDefaults(type, created));
  refuseFaults(type, final.object, [...final.faults, ...faultsOf(type, final.object)]);
  checkEscalation(api, { ...base, object: final.object, old: undefined }, final.object);
  await callWebhooks(api, 'validating', { ...asked, object: final.object, old: undefined }, final.object);
  // The webhooks may have taken a while: the namespace may be gone, the name taken.
  checkNamespace(api, { ...base, object: final.object, old: undefined });
  if (options.dryRun) return final.object;
  try {
    const stored = api.store.create(bucketOf(type), keyOf(named), toStored(type, final.object));
    return fromStored(type, stored.object);
  } catch (error) {
    throw error instanceof StoreConflict ? exists() : error;
  }
};

/** True for a custom type whose definition is being deleted. */
const isTerminating = (api: ApiState, type: Target['type']): boolean =>
  type.custom &&
  api.store.get('customresourcedefinitions.apiextensions.k8s.io', `${type.resource}.${type.group}`)?.object.metadata
    .deletionTimestamp !== undefined;

const refuseFaults = (type: Target['type'], object: KubeObject, faults: Parameters<typeof invalid>[2]): void => {
  if (faults.length > 0) throw invalid(type, object.metadata.name, faults);
};

/** What an update makes of the live object. */
export interface Change {
  readonly object: KubeObject;
  /** False when the change has recorded the owners of its fields itself (server-side apply). */
  readonly track: boolean;
  /** The revision that the writer has seen; `undefined` takes any. */
  readonly resourceVersion: string | undefined;
  /** Subresource under which the manager owns what changes, when it is another than the target's. */
  readonly through?: string;
}

/** An update that met another write is tried again so often, when the writer did not name a revision. */
const ATTEMPTS = 6;

/**
 * Changes an object: `change` is given the live one and may be called again when another write came in between. Throws
 * StatusError (NotFound, Conflict, Invalid, Forbidden …).
 */
export const updateObject = async (
  api: ApiState,
  target: Target,
  context: RequestContext,
  options: WriteOptions,
  change: (live: KubeObject) => Change,
): Promise<KubeObject> => {
  for (let attempt = 1; ; attempt += 1) {
    const stored = mustFind(api, target);
    const live = fromStored(target.type, stored.object);
    const wanted = change(live);
    if (wanted.resourceVersion !== undefined && wanted.resourceVersion !== live.metadata.resourceVersion)
      throw modified(target.type, target.name);
    const next = await admitUpdate(api, target, context, options, live, wanted);
    if (sameObject(live, next)) return live;
    if (options.dryRun) return next;
    try {
      return commit(api, target, stored, next);
    } catch (error) {
      if (!(error instanceof StoreConflict)) throw error;
      if (error.problem === 'missing') throw notFound(target.type, target.name);
      if (wanted.resourceVersion !== undefined || attempt >= ATTEMPTS) throw modified(target.type, target.name);
    }
  }
};

const admitUpdate = async (
  api: ApiState,
  target: Target,
  context: RequestContext,
  options: WriteOptions,
  live: KubeObject,
  wanted: Change,
): Promise<KubeObject> => {
  const { type, subresource } = target;
  const uid = wanted.object.metadata.uid;
  if (uid !== undefined && uid !== '' && uid !== live.metadata.uid) throw uidConflict(target, uid, live);
  const prepare = (object: KubeObject) =>
    countGeneration(type, live, withDefaults(type, prepareUpdate(type, live, object, subresource)));
  const prepared = prepare(wanted.object);
  if (sameObject(live, prepared)) return live;
  const through = { ...target, subresource: wanted.through ?? subresource };
  const owned = wanted.track ? tracked(api, through, live, prepared, options.manager) : prepared;
  const base = callOf(target, 'UPDATE', context, options);
  const admitted = admitBuiltin(api, { ...base, object: owned, old: live }, owned);
  const mutated = await callWebhooks(api, 'mutating', { ...base, object: admitted, old: live }, admitted);
  const again = mutated === admitted ? admitted : prepare(mutated);
  const final = subresource === '' ? hooksOf(type).beforeUpdate(api, again, live) : { object: again, faults: [] };
  const faults = [...final.faults, ...metadataFaults(live, final.object), ...faultsOf(type, final.object, live)];
  refuseFaults(type, final.object, faults);
  checkEscalation(api, { ...base, object: final.object, old: live }, final.object);
  await callWebhooks(api, 'validating', { ...base, object: final.object, old: live }, final.object);
  return final.object;
};

const uidConflict = (target: Target, uid: string, live: KubeObject) =>
  conflict(
    target.type,
    target.name,
    `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${live.metadata.uid ?? ''}`,
  );

/** Writes an update, which removes an object whose deletion waited only for it. */
export const commit = (api: ApiState, { type }: Target, stored: StoredObject, next: KubeObject): KubeObject => {
  const bucket = bucketOf(type);
  const kept = toStored(type, next);
  const written = deletionComplete(type, kept)
    ? api.store.remove(bucket, stored.key, stored.revision, kept)
    : api.store.replace(bucket, stored.key, kept, stored.revision);
  return fromStored(type, written.object);
};

/** Replaces an object by the one in `body` (PUT). */
export const replaceFromBody = (
  api: ApiState,
  target: Target,
  context: RequestContext,
  body: unknown,
): Promise<KubeObject> => {
  const options = readWriteOptions(context);
  const object = decode(target, context, options, body);
  const { resourceVersion } = object.metadata;
  const seen = resourceVersion === undefined || resourceVersion === '' ? undefined : resourceVersion;
  if (seen === undefined && target.type.custom)
    throw invalid(target.type, target.name, [
      {
        path: 'metadata.resourceVersion',
        reason: 'FieldValueInvalid',
        message: 'Invalid value: 0: must be specified for an update',
      },
    ]);
  return updateObject(api, target, context, options, () => ({ object, track: true, resourceVersion: seen }));
};
