export { applySchemaDefaults } from './fill-defaults.ts';
export { pruneUnknown, unknownFields } from './prune.ts';
export { validateValue } from './values.ts';
