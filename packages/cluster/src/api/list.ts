import { bucketOf } from '../kinds/index.ts';
import { ContinueExpired, ContinueInvalid, type ListPage } from '../store/index.ts';
import type { ServedType } from '../types.ts';
import { badRequest, expired, resourceVersionTooLarge } from './errors.ts';
import { type Rendering, renderList, served } from './render.ts';
import { fieldSelector, labelSelector } from './selectors.ts';
import type { ApiState } from './state.ts';
import { readRevision, type Selection } from './watch.ts';

const everything = () => true;

/** The selection of a list, watch or deletecollection. Throws BadRequest for selectors that cannot be read. */
export const readSelection = (type: ServedType, namespace: string, query: URLSearchParams): Selection => {
  const labels = query.get('labelSelector') ?? '';
  const fields = query.get('fieldSelector') ?? '';
  if (labels === '' && fields === '') return { namespace, matches: everything };
  const byLabels = labelSelector(labels);
  const byFields = fieldSelector(fields, type);
  return { namespace, matches: (object) => byLabels(object) && byFields(object) };
};

/** A page of a list, all pages of which show one revision. Throws Expired, BadRequest, Timeout. */
export const listPage = (api: ApiState, type: ServedType, selection: Selection, query: URLSearchParams): ListPage => {
  const bucket = bucketOf(type);
  const limit = Number(query.get('limit') ?? 0);
  if (!Number.isSafeInteger(limit) || limit < 0) throw badRequest('limit must be a number that is not negative');
  const scope = [bucket, selection.namespace, query.get('labelSelector'), query.get('fieldSelector')].join('|');
  const token = query.get('continue') ?? '';
  if (token !== '') return nextPage(api, scope, token, limit);
  const revision = readRevision(query);
  const present = api.store.revision;
  if (revision !== undefined && revision > present) throw resourceVersionTooLarge(revision, present);
  if (query.get('resourceVersionMatch') === 'Exact' && revision !== present)
    throw expired(`The provided resource version ${revision ?? ''} is not available; the newest is ${present}`);
  const items = api.store
    .list(bucket, type.namespaced && selection.namespace !== '' ? selection.namespace : undefined)
    .filter((item) => selection.matches(served(type, item)));
  return api.pages.first(scope, { revision: present, items }, limit);
};

const nextPage = (api: ApiState, scope: string, token: string, limit: number): ListPage => {
  try {
    return api.pages.next(scope, token, limit);
  } catch (error) {
    if (error instanceof ContinueExpired) throw expired(`${error.message}: list again from the beginning`);
    if (error instanceof ContinueInvalid) throw badRequest(error.message);
    throw error;
  }
};

const isSelected = (query: URLSearchParams): boolean =>
  (query.get('labelSelector') ?? '') !== '' || (query.get('fieldSelector') ?? '') !== '';

/** The JSON of a list request. */
export const serveList = (
  api: ApiState,
  rendering: Rendering,
  selection: Selection,
  query: URLSearchParams,
): string => {
  const page = listPage(api, rendering.type, selection, query);
  return renderList(rendering, page.items, {
    resourceVersion: String(page.revision),
    ...(page.continue === undefined ? {} : { continue: page.continue }),
    // Of a selection, a real API server cannot tell how much remains.
    ...(page.remaining === undefined || isSelected(query) ? {} : { remainingItemCount: page.remaining }),
  });
};
