import type { KubeObject } from '@osm/kube';
import { isRecord, sameJson } from '../store/fields.ts';
import type { TypeSchema } from '../types.ts';
import { compare } from './compare.ts';
import { difference, EMPTY_SET, type FieldSet, union } from './field-set.ts';
import { appliedFields } from './own-fields.ts';
import { withoutOwners } from './ownership.ts';
import { PatchError } from './patch-error.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** kubectl's own name as a manager: only it keeps and reads the annotation of client-side apply. */
const KUBECTL = 'kubectl';

const readLastApplied = (object: KubeObject | undefined): unknown => {
  const text = object?.metadata.annotations?.[LAST_APPLIED];
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/**
 * Keeps the annotation of client-side apply true: when kubectl applies to an object that has it, it says what is applied now, so
 * that going back to client-side apply removes nothing that must stay. Other objects come back as they are.
 */
export const withLastApplied = (manager: string, object: KubeObject, applied: KubeObject): KubeObject => {
  const { annotations } = object.metadata;
  if (manager !== KUBECTL || annotations?.[LAST_APPLIED] === undefined) return object;
  const { [LAST_APPLIED]: _old, ...own } = applied.metadata.annotations ?? {};
  const configuration = { ...applied, metadata: { ...applied.metadata, annotations: own } };
  if (sameJson(readLastApplied(object), configuration)) return object;
  const text = `${JSON.stringify(configuration)}\n`;
  return { ...object, metadata: { ...object.metadata, annotations: { ...annotations, [LAST_APPLIED]: text } } };
};

/**
 * The fields that kubectl has applied from the client's side and that still are as it applied them, by the annotation it left;
 * none for other managers.
 */
export const lastAppliedFields = (manager: string, live: KubeObject | undefined, schema: TypeSchema): FieldSet => {
  if (manager !== KUBECTL) return EMPTY_SET;
  const object = readLastApplied(live);
  if (!isRecord(object)) return EMPTY_SET;
  try {
    // What is another value now was changed by others since: that is no longer kubectl's.
    const { added, removed, modified } = compare(schema, object, withoutOwners(live as KubeObject));
    return difference(appliedFields(schema, object, ''), union(union(added, removed), modified));
  } catch (error) {
    if (error instanceof PatchError) return EMPTY_SET;
    throw error;
  }
};
