export { type AppliedConfiguration, type AppliedObject, serverSideApply } from './apply.ts';
export { type ApplyConflict, conflictMessage } from './conflicts.ts';
export { applyJsonPatch } from './json-patch.ts';
export { applyMergePatch } from './merge-patch.ts';
export type { Ownership } from './ownership.ts';
export { PatchError } from './patch-error.ts';
export { applyStrategicPatch } from './strategic-patch.ts';
export { type TrackedUpdate, trackManagedFields } from './track.ts';
