import type { IncomingMessage } from 'node:http';
import type { KubeObject } from '@osm/kube';
import { apiVersionOf, bucketOf } from '../kinds/index.ts';
import { at, isRecord, text } from '../store/fields.ts';
import type { ServedType } from '../types.ts';
import { mediaTypeOf, parseJson, parseYaml, readBytes } from './body.ts';
import { checkFields, unreadable } from './conform.ts';
import { badRequest, conflict, invalid, StatusError, unsupportedMediaType } from './errors.ts';
import { readWriteOptions, type WriteOptions } from './options.ts';
import {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicPatch,
  conflictMessage,
  PatchError,
  serverSideApply,
} from './rules.ts';
import type { ApiState, RequestContext } from './state.ts';
import { keyOf, readObject, type Target } from './target.ts';
import { type Change, createObject, decode, updateObject } from './write.ts';

const JSON_PATCH = 'application/json-patch+json';
const MERGE_PATCH = 'application/merge-patch+json';
const STRATEGIC_PATCH = 'application/strategic-merge-patch+json';
const APPLY_YAML = 'application/apply-patch+yaml';

const accepted = (type: ServedType): readonly string[] =>
  type.custom ? [JSON_PATCH, MERGE_PATCH, APPLY_YAML] : [JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_YAML];

/** An answer and whether the object is new. */
export interface PatchOutcome {
  readonly created: boolean;
  readonly object: KubeObject;
}

/** Carries out a PATCH of any of the four content types. Throws StatusError. */
export const patchByRequest = async (
  api: ApiState,
  target: Target,
  context: RequestContext,
  request: IncomingMessage,
): Promise<PatchOutcome> => {
  const mediaType = mediaTypeOf(request);
  if (!accepted(target.type).includes(mediaType)) throw unsupportedMediaType(mediaType, accepted(target.type));
  const bytes = (await readBytes(request)).toString();
  const options = readWriteOptions(context);
  if (mediaType === APPLY_YAML) return applyByRequest(api, target, context, options, parseYaml(bytes));
  const patch = parseJson(bytes);
  const object = await updateObject(api, target, context, options, (live) =>
    asChange(target, context, options, live, applyPatch(target, mediaType, live, patch)),
  );
  return { created: false, object };
};

const applyPatch = ({ type }: Target, mediaType: string, live: KubeObject, patch: unknown): unknown => {
  try {
    if (mediaType === JSON_PATCH && !Array.isArray(patch))
      throw badRequest('a JSON patch must be a list of operations');
    if (mediaType === JSON_PATCH) return applyJsonPatch(live, patch);
    if (mediaType === MERGE_PATCH) return applyMergePatch(live, patch);
    return applyStrategicPatch(type.schema, live, patch);
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    // A test that fails or a path that is missing is a matter of the object's state; anything else is a bad request.
    if (mediaType !== JSON_PATCH) throw badRequest(error.message);
    throw invalid(type, live.metadata.name, [
      { path: 'patch', reason: 'FieldValueInvalid', message: `Invalid value: ${error.message}` },
    ]);
  }
};

const asChange = (
  target: Target,
  context: RequestContext,
  options: WriteOptions,
  live: KubeObject,
  patched: unknown,
): Change => {
  const object = checkFields(target.type, readObject(target, patched), options.fieldValidation, (message) =>
    context.warn(message),
  );
  const [fault] = unreadable(target.type, object);
  if (fault !== undefined)
    throw invalid({ group: '', kind: '' }, '', [
      { path: 'patch', reason: 'FieldValueInvalid', message: `Invalid value: ${fault.path}: ${fault.message}` },
    ]);
  const { resourceVersion } = object.metadata;
  // A patch that does not speak of the revision leaves the live one in place, and means any.
  const seen =
    resourceVersion === live.metadata.resourceVersion || resourceVersion === '' ? undefined : resourceVersion;
  return { object, track: true, resourceVersion: seen };
};

const applyByRequest = async (
  api: ApiState,
  target: Target,
  context: RequestContext,
  options: WriteOptions,
  body: unknown,
): Promise<PatchOutcome> => {
  if (!isRecord(body)) throw badRequest('the body of an apply must be an object');
  if (text(context.query.get('fieldManager')) === '')
    throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [
      { path: 'fieldManager', reason: 'FieldValueRequired', message: 'Required value: is required for apply patch' },
    ]);
  if (text(body.apiVersion) === '' || text(body.kind) === '')
    throw badRequest(
      'Object does not implement the common interface for accessing metadata: apiVersion and kind must be set',
    );
  const applied = decode(target, context, options, body);
  // An empty list says something here, so the body itself is looked at.
  if ((at(body, 'metadata', 'managedFields') ?? null) !== null) throw badRequest('metadata.managedFields must be nil');
  const missing = api.store.get(bucketOf(target.type), keyOf(target)) === undefined;
  if (missing && target.subresource === '') {
    const { uid = '' } = applied.metadata;
    if (uid !== '')
      throw conflict(
        target.type,
        target.name,
        `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
      );
    const object = merged(api, target, options, undefined, applied);
    return { created: true, object: await createObject(api, target, context, object, options, false) };
  }
  const { resourceVersion } = applied.metadata;
  const object = await updateObject(api, target, context, options, (live) => ({
    object: merged(api, target, options, live, applied),
    track: false,
    resourceVersion: resourceVersion === '' ? undefined : resourceVersion,
  }));
  return { created: false, object };
};

type Conflicts = ReturnType<typeof serverSideApply>['conflicts'];

const merged = (
  api: ApiState,
  target: Target,
  options: WriteOptions,
  live: KubeObject | undefined,
  applied: KubeObject,
): KubeObject => {
  const { object, conflicts } = mergeOwned(api, target, options, live, ownPart(target, applied));
  if (conflicts.length === 0) return object;
  throw applyConflict(conflicts);
};

const mergeOwned = (
  api: ApiState,
  target: Target,
  { manager, force }: WriteOptions,
  live: KubeObject | undefined,
  applied: KubeObject,
): ReturnType<typeof serverSideApply> => {
  const { type, subresource } = target;
  const { schema } = type;
  const apiVersion = apiVersionOf(type);
  try {
    return serverSideApply({ live, applied, manager, force, schema, subresource, apiVersion, now: api.now() });
  } catch (error) {
    throw error instanceof PatchError ? badRequest(`failed to apply: ${error.message}`) : error;
  }
};

/** The part of an applied object that its endpoint writes: nobody becomes the owner of the rest. */
const ownPart = ({ type, subresource }: Target, applied: KubeObject): KubeObject => {
  const { apiVersion, kind, metadata, status, ...rest } = applied;
  if (subresource === '') return type.subresources.status ? { apiVersion, kind, metadata, ...rest } : applied;
  const { name, namespace, resourceVersion, uid, labels, annotations } = metadata;
  const given = { name, namespace, resourceVersion, uid };
  const open = !type.custom && (type.kind === 'Pod' || type.kind === 'Node') ? { labels, annotations } : {};
  const present = Object.entries({ ...given, ...open }).filter(([, value]) => value !== undefined);
  const own = Object.fromEntries(present) as unknown as KubeObject['metadata'];
  return { apiVersion, kind, metadata: own, ...(status === undefined ? {} : { status }) };
};

const applyConflict = (conflicts: Conflicts): StatusError => {
  const causes = conflicts.map(({ path, message }) => ({ reason: 'FieldManagerConflict', message, field: path }));
  return new StatusError(409, 'Conflict', conflictMessage(conflicts), { causes });
};
