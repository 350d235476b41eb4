export { ContinueExpired, ContinueInvalid, type ListPage, ListPages, type ListSnapshot } from './pages.ts';
export { StoreUnavailable } from './persistence.ts';
export { EventRing, type StoreEvent } from './ring.ts';
export { Store, StoreConflict, type StoredObject, type StoreOptions } from './store.ts';
