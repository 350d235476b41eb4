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
import type { FieldFault, ServedType } from '../types.ts';

export { AdmissionDenied, type Equivalent, runAdmission, WebhookConnections } from '../admission/index.ts';
export { crdStatus, publishedDefinitions, readCrd, validateCel } from '../crd/index.ts';
export {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicPatch,
  conflictMessage,
  PatchError,
  serverSideApply,
  trackManagedFields,
} from '../patch/index.ts';
export { loadBuiltinSchemas } from '../schema/builtin.ts';
export { applySchemaDefaults, pruneUnknown, unknownFields, validateValue } from '../schema/validate.ts';

/** The object with the defaults of its kind. */
export const applyKindDefaults = (_type: ServedType, object: object): object => object;

/** Rules of a kind that an object breaks. */
export const validateKind = (_type: ServedType, _object: object, _old?: object): readonly FieldFault[] => [];
