export { MESH_TYPES } from './ingest/types.ts';
