// Stands in for schema/, patch/, defaults/, crd/, admission/ until they exist.
import jsonPatch from 'fast-json-patch';
import { parse } from 'yaml';
import { isRecord } from '../store/fields.ts';
import type { FieldFault, ServedType, TypeSchema } from '../types.ts';
export const unknownFields = (_s: TypeSchema, _o: object): string[] => [];
export const validateValue = (_s: TypeSchema, _o: object, _p: string): FieldFault[] => [];
export const pruneUnknown = <T extends object>(_s: TypeSchema, o: T): T => o;
export const applySchemaDefaults = <T extends object>(_s: TypeSchema, o: T): T => o;
export const applyKindDefaults = <T extends object>(_t: ServedType, o: T): T => o;
export const validateKind = (_t: ServedType, _o: object, _old?: object): FieldFault[] => [];
export class PatchError extends Error {}
export const applyJsonPatch = (o: object, ops: unknown): object =>
  jsonPatch.applyPatch(structuredClone(o), ops as never).newDocument as object;
export const applyMergePatch = (o: unknown, p: unknown): object => {
  if (!isRecord(p)) return p as object;
  const r: Record<string, unknown> = isRecord(o) ? { ...o } : {};
  for (const [k, v] of Object.entries(p)) {
    if (v === null) delete r[k];
    else r[k] = isRecord(v) ? applyMergePatch(r[k], v) : v;
  }
  return r;
};
export const applyStrategicPatch = (_s: TypeSchema, o: object, p: unknown): object => applyMergePatch(o, p);
export const serverSideApply = (a: {
  live: object | undefined;
  applied: object;
  manager: string;
  force: boolean;
  schema: TypeSchema;
  subresource: string;
  apiVersion: string;
  now: Date;
}): { object: object; conflicts: { manager: string; path: string; message: string }[] } => ({
  object: applyMergePatch(a.live ?? {}, a.applied),
  conflicts: [],
});
export const trackManagedFields = (a: {
  live: object | undefined;
  updated: object;
  manager: string;
  operation: 'Update';
  schema: TypeSchema;
  subresource: string;
  apiVersion: string;
  now: Date;
}): object => a.updated;
export const readCrd = (_c: object): { types: ServedType[]; faults: FieldFault[] } => ({ types: [], faults: [] });
export const crdStatus = (_c: object, _n: Date): object => ({});
export const validateCel = (_s: TypeSchema, _o: object, _old?: object): FieldFault[] => [];
export const parseYaml = (t: string): unknown => parse(t);
export const loadBuiltinSchemas = (
  j: unknown,
): {
  schemaOf(g: string, v: string, k: string): TypeSchema | undefined;
  openapi(g: string, v: string): Record<string, unknown>;
} => {
  void j;
  return { schemaOf: () => ({ openapi: {}, preserveUnknownFields: true }), openapi: () => ({}) };
};
export const runAdmission = async (a: {
  phase: 'mutating' | 'validating';
  request: { object: unknown };
  configurations: readonly object[];
  namespaceLabels: Readonly<Record<string, string>>;
  dial: (h: string, p: number, t: number) => Promise<unknown>;
  resolveService: (n: string, s: string, p: number) => { host: string; port: number };
  signal: AbortSignal;
}): Promise<{ object: object; warnings: string[]; auditAnnotations: object }> => ({
  object: a.request.object as object,
  warnings: [],
  auditAnnotations: {},
});
