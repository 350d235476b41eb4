export * from './model/objects.ts';
export type * from './plan/types.ts';
