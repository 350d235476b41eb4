import { ApiError } from '@osm/kube';

/** True when nothing can be made in the namespace because it is being deleted, or has been. */
export const isNamespaceGoing = (error: unknown): boolean =>
  error instanceof ApiError &&
  ((error.code === 404 && error.body?.details?.kind === 'namespaces') ||
    (error.body?.details?.causes ?? []).some(({ reason }) => reason === 'NamespaceTerminating'));

/** True for what happens in the normal course of things: the cache was behind, or the namespace goes. */
export const isExpected = (error: unknown): boolean =>
  error instanceof ApiError && (error.code === 409 || error.code === 404 || isNamespaceGoing(error));
