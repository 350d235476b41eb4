export { MESH_TYPES } from './ingest/types.ts';
export {
  type ExclusionReport,
  type ExplainedExclusion,
  explainExclusions,
} from './injector/explain-exclusions.ts';
