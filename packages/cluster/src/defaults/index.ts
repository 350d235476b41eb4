export { applyKindDefaults } from './kind-defaults.ts';
export { validateKind } from './kind-faults.ts';
export { withoutTypeFields } from './service-transition.ts';
