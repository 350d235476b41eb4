export * from './envoy-binary.ts';
export * from './validate.ts';
