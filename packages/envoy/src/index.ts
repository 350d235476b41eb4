export * from './any.ts';
export * from './bootstrap.ts';
export * from './encode.ts';
export type * from './json.ts';
export { descriptorRegistry, TYPE_PREFIX, typeName } from './registry.ts';
export * from './types.ts';
