import type { KubeObject } from '@osm/kube';
import { bucketOf, fromStored, toStored } from '../kinds/index.ts';
import { at, list, number, record, text } from '../store/fields.ts';
import { StoreConflict } from '../store/index.ts';
import { checkNamespace } from './admit.ts';
import { conflict, modified, notFound } from './errors.ts';
import { type DeleteRequest, readDeleteOptions } from './options.ts';
import { type ApiState, type RequestContext, timestamp } from './state.ts';
import { deletionComplete, sameObject } from './strategy.ts';
import { mustFind, type Target } from './target.ts';
import { callWebhooks } from './webhooks.ts';

/** What a delete has done. */
export interface DeleteOutcome {
  readonly object: KubeObject;
  /** False when the object stays for now: grace period, finalizers. */
  readonly deleted: boolean;
}

const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';

/** The finalizers that a propagation policy wants: the garbage collector acts on them and takes them away. */
const wantedFinalizers = (object: KubeObject, { propagation }: DeleteRequest): readonly string[] => {
  const present = object.metadata.finalizers ?? [];
  if (propagation === undefined) return present;
  const others = present.filter((finalizer) => finalizer !== ORPHAN && finalizer !== FOREGROUND);
  if (propagation === 'Orphan') return [...others, ORPHAN];
  return propagation === 'Foreground' ? [...others, FOREGROUND] : others;
};

/** Seconds that the object is given to end; pods on a node have some, everything else has none. */
const graceOf = (target: Target, object: KubeObject, { gracePeriodSeconds }: DeleteRequest): number => {
  if (target.type.kind !== 'Pod' || target.type.custom) return 0;
  const phase = at(object, 'status', 'phase');
  if (text(at(object, 'spec', 'nodeName')) === '' || phase === 'Succeeded' || phase === 'Failed') return 0;
  const asked = gracePeriodSeconds ?? number(at(object, 'spec', 'terminationGracePeriodSeconds'), 30);
  const before = object.metadata.deletionGracePeriodSeconds;
  // A second delete can shorten the time, never lengthen it.
  return before === undefined ? asked : Math.min(asked, before);
};

/** The object marked as being deleted. */
const marked = (target: Target, object: KubeObject, request: DeleteRequest, now: Date): KubeObject => {
  const grace = graceOf(target, object, request);
  const { metadata } = object;
  const finalizers = wantedFinalizers(object, request);
  const shortened = metadata.deletionGracePeriodSeconds !== undefined && grace < metadata.deletionGracePeriodSeconds;
  const { finalizers: _finalizers, ...rest } = metadata;
  const first = metadata.deletionTimestamp === undefined;
  const generation = first && metadata.generation !== undefined ? { generation: metadata.generation + 1 } : {};
  const next: KubeObject = {
    ...object,
    metadata: {
      ...rest,
      ...(finalizers.length === 0 ? {} : { finalizers }),
      ...(first || shortened
        ? {
            deletionTimestamp: timestamp(new Date(now.getTime() + grace * 1000)),
            deletionGracePeriodSeconds: grace,
            ...generation,
          }
        : {}),
    },
  };
  if (target.type.kind !== 'Namespace' || target.type.custom) return next;
  return { ...next, status: { ...record(next.status), phase: 'Terminating' } };
};

const checkPreconditions = (target: Target, object: KubeObject, { uid, resourceVersion }: DeleteRequest): void => {
  const { metadata } = object;
  if (uid !== '' && uid !== metadata.uid)
    throw conflict(
      target.type,
      target.name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid ?? ''}`,
    );
  if (resourceVersion !== '' && resourceVersion !== metadata.resourceVersion)
    throw conflict(
      target.type,
      target.name,
      `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ` +
        `ResourceVersion in object meta: ${metadata.resourceVersion ?? ''}`,
    );
};

/** Deletes an object, or marks it when something must happen first. Throws StatusError. */
export const deleteObject = async (
  api: ApiState,
  target: Target,
  context: RequestContext,
  request: DeleteRequest,
): Promise<DeleteOutcome> => {
  const call = {
    target,
    operation: 'DELETE',
    object: undefined,
    user: context.user,
    dryRun: request.dryRun,
    options: { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1' },
    signal: context.signal,
    warn: (message: string) => context.warn(message),
  } as const;
  const seen = fromStored(target.type, mustFind(api, target).object);
  checkNamespace(api, { ...call, old: seen });
  checkPreconditions(target, seen, request);
  await callWebhooks(api, 'mutating', { ...call, old: seen }, seen);
  await callWebhooks(api, 'validating', { ...call, old: seen }, seen);
  // Nothing awaits from here on, so what is read now is what is deleted.
  const stored = mustFind(api, target);
  const live = fromStored(target.type, stored.object);
  checkPreconditions(target, live, request);
  const next = marked(target, live, request, api.now());
  const deleted = deletionComplete(target.type, next);
  if (request.dryRun) return { object: next, deleted };
  // A second delete that asks for nothing new is no change.
  if (!deleted && sameObject(live, next)) return { object: live, deleted };
  const bucket = bucketOf(target.type);
  try {
    const kept = toStored(target.type, next);
    const written = deleted
      ? api.store.remove(bucket, stored.key, stored.revision, kept)
      : api.store.replace(bucket, stored.key, kept, stored.revision);
    return { object: fromStored(target.type, written.object), deleted };
  } catch (error) {
    if (!(error instanceof StoreConflict)) throw error;
    throw error.problem === 'missing' ? notFound(target.type, target.name) : modified(target.type, target.name);
  }
};

/** Deletes one object by request: the Status of the deletion, or the object when it stays for now. */
export const deleteByRequest = async (
  api: ApiState,
  target: Target,
  context: RequestContext,
  body: unknown,
): Promise<{ readonly code: number; readonly body: object }> => {
  const request = readDeleteOptions(body, context.query);
  const { object, deleted } = await deleteObject(api, target, context, request);
  if (!deleted) return { code: request.propagation === 'Foreground' ? 202 : 200, body: object };
  const { group, resource } = target.type;
  const details = {
    name: target.name,
    ...(group === '' ? {} : { group }),
    kind: resource,
    uid: object.metadata.uid ?? '',
  };
  return { code: 200, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details } };
};

/** Deletes the given objects one by one; one that is gone already is no fault. */
export const deleteEach = async (
  api: ApiState,
  target: Target,
  context: RequestContext,
  request: DeleteRequest,
  objects: readonly KubeObject[],
): Promise<void> => {
  for (const object of objects) {
    const { name, namespace = '' } = object.metadata;
    try {
      await deleteObject(api, { ...target, name, namespace }, context, { ...request, uid: '', resourceVersion: '' });
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
};

const isGone = (error: unknown): boolean => list([at(error, 'body', 'code')]).includes(404);
