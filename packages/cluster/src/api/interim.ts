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
import type { FieldFault, ServedType, TypeSchema } from '../types.ts';

export {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicPatch,
  conflictMessage,
  PatchError,
  serverSideApply,
  trackManagedFields,
} from '../patch/index.ts';

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
