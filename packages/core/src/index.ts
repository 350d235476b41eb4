export { identityKey, serviceKey } from './model/names.ts';
export * from './model/objects.ts';
export { readSnapshot } from './model/read.ts';
export type * from './model/snapshot.ts';
export { createPlanCache, type PlanCache, type PlannedProxy, planProxy, policyFaults } from './plan/plan.ts';
export type * from './plan/types.ts';
export { toResources } from './xds/to-resources.ts';
