/**
 * The one door between the API server and the pure rooms beside it (schema, defaults, patch, crd, admission): everything the
 * API calls of them comes through this file. Until those rooms are filled it holds plain stand-ins with the agreed signatures; then
 * its whole content becomes:
 *
 *   export { loadBuiltinSchemas } from '../schema/builtin.ts';
 *   export { applySchemaDefaults, pruneUnknown, unknownFields, validateValue } from '../schema/validate.ts';
 *   export { applyKindDefaults, validateKind } from '../defaults/index.ts';
 *   export { applyJsonPatch, applyMergePatch, applyStrategicPatch, PatchError, serverSideApply, trackManagedFields } from '../patch/index.ts';
 *   export { crdStatus, readCrd, validateCel } from '../crd/index.ts';
 *   export { runAdmission } from '../admission/index.ts';
 */
import type { Duplex } from 'node:stream';
import type { KubeObject } from '@osm/kube';
import jsonPatch from 'fast-json-patch';
import { isRecord } from '../store/fields.ts';
import type { FieldFault, ServedType, TypeSchema } from '../types.ts';

/** A patch that cannot be applied. */
export class PatchError extends Error {}

/** Paths of fields that a schema does not have. */
export const unknownFields = (_schema: TypeSchema, _object: object): readonly string[] => [];

/** Values that a schema does not allow. */
export const validateValue = (_schema: TypeSchema, _object: object, _path: string): readonly FieldFault[] => [];

/** The object without the fields that its schema does not have. */
export const pruneUnknown = (_schema: TypeSchema, object: object): object => object;

/** The object with the defaults of its schema. */
export const applySchemaDefaults = (_schema: TypeSchema, object: object): object => object;

/** The object with the defaults of its kind. */
export const applyKindDefaults = (_type: ServedType, object: object): object => object;

/** Rules of a kind that an object breaks. */
export const validateKind = (_type: ServedType, _object: object, _old?: object): readonly FieldFault[] => [];

/** RFC 6902. */
export const applyJsonPatch = (object: object, operations: unknown): object => {
  if (!Array.isArray(operations)) throw new PatchError('a JSON patch must be a list of operations');
  try {
    return jsonPatch.applyPatch(structuredClone(object), operations as never, true).newDocument;
  } catch (error) {
    throw new PatchError((error as Error).message.split('\n')[0]);
  }
};

/** RFC 7386. */
export const applyMergePatch = (object: unknown, patch: unknown): object => {
  if (!isRecord(patch)) return patch as object;
  const result: Record<string, unknown> = isRecord(object) ? { ...object } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = isRecord(value) ? applyMergePatch(result[key], value) : value;
  }
  return result;
};

/** Strategic merge, which needs the schema; without it lists are replaced. */
export const applyStrategicPatch = (_schema: TypeSchema, object: object, patch: unknown): object =>
  applyMergePatch(object, patch);

interface Ownership {
  readonly live: KubeObject | undefined;
  readonly manager: string;
  readonly schema: TypeSchema;
  readonly subresource: string;
  readonly apiVersion: string;
  readonly now: Date;
}

/** Merges an applied object; without owners there are no conflicts. */
export const serverSideApply = (
  call: Ownership & { readonly applied: KubeObject; readonly force: boolean },
): { object: object; conflicts: readonly { manager: string; path: string; message: string }[] } => ({
  object: applyMergePatch(call.live ?? {}, call.applied),
  conflicts: [],
});

/** Records who owns the fields of an update. */
export const trackManagedFields = (
  call: Ownership & { readonly updated: KubeObject; readonly operation: 'Update' },
): object => call.updated;

/** The types that a CustomResourceDefinition brings. */
export const readCrd = (_crd: KubeObject): { types: readonly ServedType[]; faults: readonly FieldFault[] } => ({
  types: [],
  faults: [],
});

/** The status of a definition that is served. */
export const crdStatus = (_crd: KubeObject, _now: Date): object => ({});

/** CEL rules that an object breaks. */
export const validateCel = (_schema: TypeSchema, _object: object, _old?: object): readonly FieldFault[] => [];

/** The schemas of the built-in kinds. */
export const loadBuiltinSchemas = (
  _json: unknown,
): {
  schemaOf(group: string, version: string, kind: string): TypeSchema | undefined;
  openapi(group: string, version: string): Readonly<Record<string, unknown>>;
} => ({ schemaOf: () => ({ openapi: {}, preserveUnknownFields: true }), openapi: () => ({}) });

/** Asks the webhooks. */
export const runAdmission = async (call: {
  readonly phase: 'mutating' | 'validating';
  readonly request: { readonly object: unknown };
  readonly configurations: readonly KubeObject[];
  readonly namespaceLabels: Readonly<Record<string, string>>;
  readonly dial: (host: string, port: number, timeoutMs: number) => Promise<Duplex>;
  readonly resolveService: (namespace: string, name: string, port: number) => { host: string; port: number };
  readonly signal: AbortSignal;
}): Promise<{ object: unknown; warnings: readonly string[]; auditAnnotations: object }> => ({
  object: call.request.object,
  warnings: [],
  auditAnnotations: {},
});
