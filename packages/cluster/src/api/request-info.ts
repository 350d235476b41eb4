/** What a request asks for, read from its method, path and query alone. */
export type RequestInfo =
  | {
      readonly kind: 'resource';
      readonly verb: string;
      readonly group: string;
      readonly version: string;
      readonly resource: string;
      readonly subresource: string;
      /** '' when the request is not about one namespace. */
      readonly namespace: string;
      /** '' when the request is about a collection. */
      readonly name: string;
      /** Path after the subresource (proxy), without the leading slash. */
      readonly rest: string;
    }
  | { readonly kind: 'path'; readonly verb: string; readonly path: string };

/** Subresources of namespaces: what follows `/namespaces/NAME/` and is not a resource type. */
const NAMESPACE_SUBRESOURCES = new Set(['status', 'finalize']);

const NAMED_VERBS: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/**
 * Reads the request line as the API server does
 * (https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb).
 * A path outside `/api` and `/apis`, or above a resource type, is a non-resource request.
 */
export const readRequest = (method: string, path: string, query: URLSearchParams): RequestInfo => {
  const verb = NAMED_VERBS[method] ?? method.toLowerCase();
  const other: RequestInfo = { kind: 'path', verb: method.toLowerCase(), path };
  const parts = path.split('/').filter((part) => part !== '');
  const root = parts.shift();
  if (root !== 'api' && root !== 'apis') return other;
  const group = root === 'api' ? '' : decode(parts.shift());
  const version = decode(parts.shift());
  if (version === '' || parts.length === 0) return other;
  const { namespace, rest } = takeNamespace(parts.map(decode));
  const [resource = '', name = '', subresource = '', ...tail] = rest;
  const collection = name === '';
  return {
    kind: 'resource',
    verb: collection ? collectionVerb(verb, query) : watchVerb(verb, query, subresource),
    group,
    version,
    resource,
    subresource,
    namespace,
    name: collection && (verb === 'get' || verb === 'delete') ? selectedName(query) : name,
    rest: tail.join('/'),
  };
};

const takeNamespace = (parts: readonly string[]): { namespace: string; rest: readonly string[] } => {
  const [first, namespace = '', third = ''] = parts;
  if (first !== 'namespaces' || namespace === '') return { namespace: '', rest: parts };
  // A namespace is itself an object: requests about it are made in its own name.
  if (parts.length === 2 || (parts.length === 3 && NAMESPACE_SUBRESOURCES.has(third)))
    return { namespace, rest: parts };
  return { namespace, rest: parts.slice(2) };
};

const isWatch = (query: URLSearchParams): boolean => query.get('watch') === 'true' || query.get('watch') === '1';

const collectionVerb = (verb: string, query: URLSearchParams): string => {
  if (verb === 'get') return isWatch(query) ? 'watch' : 'list';
  return verb === 'delete' ? 'deletecollection' : verb;
};

const watchVerb = (verb: string, query: URLSearchParams, subresource: string): string =>
  verb === 'get' && subresource === '' && isWatch(query) ? 'watch' : verb;

/** A collection request that selects one name counts as being about that name. */
const selectedName = (query: URLSearchParams): string =>
  /^metadata\.name==?([^,=!]+)$/.exec(query.get('fieldSelector') ?? '')?.[1] ?? '';

const decode = (part: string | undefined): string => {
  if (part === undefined) return '';
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
};
