export { ContinueExpired, ContinueInvalid, type ListPage, ListPages, type ListSnapshot } from './pages.ts';
export { StoreUnavailable } from './persistence.ts';
export { EventRing, type StoreEvent } from './ring.ts';
export { Store, StoreConflict, type StoreOptions } from './store.ts';
export type { StoredObject } from './stored-object.ts';
