import type { IncomingMessage, ServerResponse } from 'node:http';
import type { KubeObject } from '@osm/kube';
import { fromStored } from '../kinds/index.ts';
import { at } from '../store/fields.ts';
import type { ServedType } from '../types.ts';
import { mediaTypeOf, parseJson, readBody, readBytes } from './body.ts';
import { deleteByRequest, deleteEach } from './delete.ts';
import { badRequest, methodNotAllowed, unknownPath, unsupportedMediaType } from './errors.ts';
import { isKubeletSubresource, proxyLog } from './kubelet-proxy.ts';
import { listPage, readSelection, serveList } from './list.ts';
import { negotiate } from './negotiate.ts';
import { readDeleteOptions } from './options.ts';
import { patchByRequest } from './patch-request.ts';
import { bind, evict, requestToken } from './pod-subresources.ts';
import { type IncludeObject, type Rendering, renderList, renderObject } from './render.ts';
import type { RequestInfo } from './request-info.ts';
import { type Answer, json } from './respond.ts';
import { answerReview } from './reviews.ts';
import { applyJsonPatch, applyMergePatch, PatchError } from './rules.ts';
import { readScale, updateScale } from './scale.ts';
import type { ApiState, RequestContext } from './state.ts';
import { mustFind, type Target } from './target.ts';
import { serveWatch, type Watch } from './watch.ts';
import { createFromBody, replaceFromBody } from './write.ts';

type ResourceInfo = Extract<RequestInfo, { kind: 'resource' }>;

/** One request about a resource, authenticated and authorized. */
export interface ResourceCall {
  readonly api: ApiState;
  readonly info: ResourceInfo;
  readonly context: RequestContext;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly watches: Set<Watch>;
}

const INCLUDE = new Set<string>(['None', 'Metadata', 'Object']);

const renderingOf = ({ api, context, request }: ResourceCall, type: ServedType): Rendering => {
  const include = context.query.get('includeObject') || 'Metadata';
  if (!INCLUDE.has(include)) throw badRequest(`includeObject: unsupported value "${include}"`);
  return { type, form: negotiate(request.headers.accept), includeObject: include as IncludeObject, now: api.now() };
};

/** The type and object a path names. Throws NotFound for a type that is not served or a path of the wrong scope. */
export const targetOf = (api: ApiState, info: ResourceInfo): Target => {
  const type = api.registry.find(info.group, info.version, info.resource);
  if (type === undefined) throw unknownPath();
  // A namespace in the path of a cluster-scoped type names nothing; namespaces themselves are the exception.
  if (!type.namespaced && info.namespace !== '' && type.resource !== 'namespaces') throw unknownPath();
  const namespace = type.namespaced ? info.namespace : '';
  const single = info.verb !== 'list' && info.verb !== 'watch' && info.verb !== 'deletecollection';
  const name = single ? info.name : '';
  if (type.namespaced && namespace === '' && (name !== '' || info.verb === 'create')) {
    if (info.verb === 'create') throw badRequest('an empty namespace may not be set during creation');
    throw unknownPath();
  }
  return { type, namespace, name, subresource: info.subresource };
};

/** Handles a request about a resource; `undefined` when it has written its answer itself. Throws StatusError. */
export const handleResource = async (call: ResourceCall): Promise<Answer | undefined> => {
  const { api, info, context, request } = call;
  const review = api.registry.review(info.group, info.version, info.resource);
  if (review !== undefined) {
    if (request.method !== 'POST') throw methodNotAllowed();
    return json(answerReview(api, review.kind, info.namespace, context, await readBody(request)), 201);
  }
  const target = targetOf(api, info);
  if (target.subresource === '') return handleObject(call, target);
  return handleSubresource(call, target);
};

const handleObject = async (call: ResourceCall, target: Target): Promise<Answer | undefined> => {
  const { api, info, context, request, response, watches } = call;
  const rendering = renderingOf(call, target.type);
  const one = (object: KubeObject, code = 200) => json(renderObject(rendering, object), code);
  switch (info.verb) {
    case 'list':
      return json(serveList(api, rendering, readSelection(target.type, info.namespace, context.query), context.query));
    case 'watch':
      serveWatch(api, rendering, watchSelection(call, target), context.query, response, watches);
      return undefined;
    case 'get':
      return one(fromStored(target.type, mustFind(api, target).object));
    case 'create':
      if (target.name !== '') throw methodNotAllowed();
      return one(await createFromBody(api, target, context, await readBody(request)), 201);
    case 'update':
      return one(await replaceFromBody(api, named(target), context, await readBody(request)));
    case 'patch': {
      const { created, object } = await patchByRequest(api, named(target), context, request);
      return one(object, created ? 201 : 200);
    }
    case 'delete': {
      const { code, body } = await deleteByRequest(api, target, context, await readBody(request));
      return 'metadata' in body && at(body, 'kind') !== 'Status' ? one(body as KubeObject, code) : json(body, code);
    }
    case 'deletecollection':
      return deleteCollection(call, target, rendering);
    default:
      throw methodNotAllowed();
  }
};

const named = (target: Target): Target => {
  if (target.name === '') throw methodNotAllowed();
  return target;
};

/** A watch may also be asked of one object by its path. */
const watchSelection = ({ info, context }: ResourceCall, { type }: Target) => {
  const selection = readSelection(type, info.namespace, context.query);
  const selected = /(^|,)metadata\.name=/.test(context.query.get('fieldSelector') ?? '');
  if (info.name === '' || selected) return selection;
  return {
    ...selection,
    matches: (object: KubeObject) => object.metadata.name === info.name && selection.matches(object),
  };
};

const deleteCollection = async (call: ResourceCall, target: Target, rendering: Rendering): Promise<Answer> => {
  const { api, info, context, request } = call;
  const selection = readSelection(target.type, info.namespace, context.query);
  const options = readDeleteOptions(await readBody(request), context.query);
  const page = listPage(api, target.type, selection, new URLSearchParams({ limit: context.query.get('limit') ?? '0' }));
  await deleteEach(
    api,
    target,
    context,
    options,
    page.items.map(({ object }) => object),
  );
  return json(renderList(rendering, page.items, { resourceVersion: String(page.revision) }));
};

const handleSubresource = async (call: ResourceCall, target: Target): Promise<Answer | undefined> => {
  const { api, info, context, request, response } = call;
  const { type, subresource } = target;
  if (subresource === 'status' && type.subresources.status) return handleStatus(call, target);
  if (subresource === 'scale' && type.subresources.scale !== undefined) return handleScale(call, target);
  if (type.custom || type.group !== '') throw unknownPath();
  const place = `${type.resource}/${subresource} ${info.verb}`;
  switch (place) {
    case 'namespaces/finalize update':
      return json(await replaceFromBody(api, target, context, await readBody(request)));
    case 'pods/eviction create':
      return json(await evict(api, target, context, await readBody(request)), 201);
    case 'pods/binding create':
      return json(bind(api, target, context, await readBody(request)), 201);
    case 'serviceaccounts/token create':
      return json(requestToken(api, target, context, await readBody(request)), 201);
    case 'pods/log get':
      await proxyLog(api, target, context.query, response);
      return undefined;
    default:
      if (type.resource === 'pods' && isKubeletSubresource(subresource))
        throw badRequest(`${subresource} needs an upgrade of the connection`);
      throw unknownPath();
  }
};

const handleStatus = async (call: ResourceCall, target: Target): Promise<Answer> => {
  const { api, info, context, request } = call;
  const rendering = renderingOf(call, target.type);
  const one = (object: KubeObject) => json(renderObject(rendering, object));
  if (info.verb === 'get') return one(fromStored(target.type, mustFind(api, target).object));
  if (info.verb === 'update') return one(await replaceFromBody(api, target, context, await readBody(request)));
  if (info.verb === 'patch') return one((await patchByRequest(api, target, context, request)).object);
  throw methodNotAllowed();
};

const SCALE_PATCHES: Readonly<Record<string, (scale: object, patch: unknown) => unknown>> = {
  'application/json-patch+json': (scale, patch) => applyJsonPatch(scale, patch),
  'application/merge-patch+json': (scale, patch) => applyMergePatch(scale, patch),
  // Scale has no lists to merge: the two mean the same.
  'application/strategic-merge-patch+json': (scale, patch) => applyMergePatch(scale, patch),
};

/** Throws BadRequest for a patch that cannot be applied. */
const patched = <Result>(apply: () => Result): Result => {
  try {
    return apply();
  } catch (error) {
    throw error instanceof PatchError ? badRequest(error.message) : error;
  }
};

const handleScale = async (call: ResourceCall, target: Target): Promise<Answer> => {
  const { api, info, context, request } = call;
  if (info.verb === 'get') return json(readScale(api, target));
  if (info.verb === 'update') {
    const body = await readBody(request);
    return json(await updateScale(api, target, context, () => body));
  }
  if (info.verb !== 'patch') throw methodNotAllowed();
  const mediaType = mediaTypeOf(request);
  const apply = SCALE_PATCHES[mediaType];
  if (apply === undefined) throw unsupportedMediaType(mediaType, Object.keys(SCALE_PATCHES));
  const patch = parseJson((await readBytes(request)).toString());
  return json(await updateScale(api, target, context, (scale) => patched(() => apply(scale, patch))));
};
