export * from './resource-types.ts';
export * from './types.ts';
