export * from './model/objects.ts';
