export { applySchemaDefaults } from './fill-defaults.ts';
export { pruneUnknown, unknownFields } from './prune.ts';
export { newFaults } from './ratchet.ts';
export { validateValue } from './values.ts';
