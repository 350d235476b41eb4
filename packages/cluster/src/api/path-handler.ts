import { aggregated, coreVersions, groupList, oneGroup, resourceList } from './discovery.ts';
import { methodNotAllowed, unknownPath } from './errors.ts';
import { mediaTypes } from './negotiate.ts';
import type { OpenApi } from './openapi.ts';
import type { Registry } from './registry.ts';
import { type Answer, json, plain } from './respond.ts';
import type { TokenSigner } from './tokens.ts';

/** What answers requests that are not about resources. */
export interface PathState {
  readonly registry: Registry;
  readonly openapi: OpenApi;
  readonly tokens: TokenSigner;
}

/** The Kubernetes version whose API this server speaks. */
export const VERSION = Object.freeze({
  major: '1',
  minor: '37',
  gitVersion: 'v1.37.0+osm',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: 'node',
  platform: `linux/${process.arch === 'arm64' ? 'arm64' : 'amd64'}`,
});

const ROOT_PATHS = ['/api', '/apis', '/healthz', '/livez', '/openapi/v2', '/openapi/v3', '/readyz', '/version'];

const aggregatedVersion = (accept: string | undefined): 'v2' | 'v2beta1' | undefined => {
  for (const { type, parameters } of mediaTypes(accept)) {
    if (type !== 'application/json') continue;
    if (parameters.get('as') !== 'APIGroupDiscoveryList' || parameters.get('g') !== 'apidiscovery.k8s.io')
      return undefined;
    const version = parameters.get('v');
    if (version === 'v2' || version === 'v2beta1') return version;
  }
  return undefined;
};

const discoveryRoot = (registry: Registry, root: 'api' | 'apis', accept: string | undefined): Answer => {
  const version = aggregatedVersion(accept);
  if (version === undefined)
    return { ...json(root === 'api' ? coreVersions() : groupList(registry)), headers: { vary: 'Accept' } };
  return {
    ...json(aggregated(registry, root, version)),
    contentType: `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
    headers: { vary: 'Accept' },
  };
};

const discovery = ({ registry }: PathState, parts: readonly string[], accept: string | undefined): Answer => {
  const [root, first = '', second = '', ...more] = parts;
  if (more.length > 0) throw unknownPath();
  if (root === 'api') {
    if (first === '') return discoveryRoot(registry, 'api', accept);
    if (second !== '') throw unknownPath();
    return json(resourceList(registry, '', first));
  }
  if (first === '') return discoveryRoot(registry, 'apis', accept);
  return json(second === '' ? oneGroup(registry, first) : resourceList(registry, first, second));
};

/** The form in which kubectl asks for OpenAPI v2: a protobuf message `openapi.v2.Document`. */
const OPENAPI_PROTOBUF = 'application/com.github.proto-openapi.spec.v2';

/** One protobuf field of text: its number and wire type, its length (below 128 here), its characters. */
const protobufText = (field: number, text: string): string => String.fromCharCode(field * 8 + 2, text.length) + text;

/** `Document{swagger, info{title, version}}` without paths: kubectl then knows of no kind beyond those of version 3. */
const emptyVersion2 = (): string =>
  protobufText(1, '2.0') + protobufText(2, protobufText(1, 'Kubernetes') + protobufText(2, 'v1.37.0'));

const openapiDocument = ({ openapi }: PathState, parts: readonly string[], accept: string | undefined): Answer => {
  const [, version, root, ...rest] = parts;
  if (version === 'v2') {
    const first = mediaTypes(accept)[0]?.type ?? '';
    if (!first.startsWith(OPENAPI_PROTOBUF)) return json(openapi.version2());
    return { code: 200, contentType: `${OPENAPI_PROTOBUF}.v1.0+protobuf`, text: emptyVersion2() };
  }
  if (version !== 'v3') throw unknownPath();
  if (root === undefined) return json(openapi.index());
  const [group = '', groupVersion = ''] = root === 'api' ? ['', rest[0]] : rest;
  const { json: text, hash } = openapi.document(group, groupVersion);
  return { ...json(text), headers: { etag: `"${hash}"` } };
};

/** Answers a request that is not about a resource. Throws StatusError. */
export const handlePath = (state: PathState, method: string, path: string, accept: string | undefined): Answer => {
  if (method !== 'GET' && method !== 'HEAD') throw methodNotAllowed();
  const parts = path.split('/').filter((part) => part !== '');
  switch (parts[0]) {
    case undefined:
      return json({ paths: ROOT_PATHS });
    case 'version':
      return json(VERSION);
    case 'healthz':
    case 'readyz':
    case 'livez':
      return plain('ok');
    case 'api':
    case 'apis':
      return discovery(state, parts, accept);
    case 'openapi':
      return openapiDocument(state, parts, accept);
    case 'openid':
      return { ...json(state.tokens.jwks()), contentType: 'application/jwk-set+json' };
    case '.well-known':
      if (parts[1] !== 'openid-configuration') throw unknownPath();
      return json({
        issuer: state.tokens.issuer,
        jwks_uri: `${state.tokens.issuer}/openid/v1/jwks`,
        response_types_supported: ['id_token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
      });
    default:
      throw unknownPath();
  }
};
