/**
 * The one door between the API server and the pure rooms beside it (schema, defaults, patch, crd, admission): everything that the
 * API asks of the rules of objects comes through this file.
 */
export { AdmissionDenied, type Equivalent, runAdmission, WebhookConnections } from '../admission/index.ts';
export {
  crdStatus,
  hasRules,
  isAccepted,
  type NameConflict,
  publishedDefinitions,
  readCrd,
  validateCel,
} from '../crd/index.ts';
export { canonical } from '../defaults/canonical.ts';
export { applyKindDefaults, validateKind, withoutTypeFields } from '../defaults/index.ts';
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
export { applySchemaDefaults, newFaults, pruneUnknown, unknownFields, validateValue } from '../schema/validate.ts';
