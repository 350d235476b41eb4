export { builtinTypes, REVIEW_TYPES, type ReviewType, type SchemaSource } from './builtin.ts';
export { apiVersionOf, bucketOf, fromStored, toStored } from './conversion.ts';
export { ageOf, humanDuration } from './duration.ts';
export { type PodSummary, summarizePod } from './pod-columns.ts';
