import { at, isRecord, record, text, texts } from '../store/fields.ts';
import type { UserInfo } from '../types.ts';
import { authenticateToken } from './authenticate.ts';
import type { Attributes } from './authorize.ts';
import { badRequest, invalid, unknownPath } from './errors.ts';
import type { ApiState, RequestContext } from './state.ts';

const asked = (body: unknown, kind: string): Record<string, unknown> => {
  if (!isRecord(body)) throw badRequest(`the body of the request must be a ${kind}`);
  if (body.kind !== undefined && body.kind !== kind)
    throw badRequest(`${String(body.kind)} cannot be handled as a ${kind}`);
  return body;
};

const userOf = (value: unknown): UserInfo => ({
  username: text(at(value, 'user')),
  uid: text(at(value, 'uid')),
  groups: texts(at(value, 'groups')),
});

/** The user as `authentication.k8s.io/v1` UserInfo. */
const userInfo = ({ username, uid, groups, extra }: UserInfo) => ({
  username,
  ...(uid === undefined ? {} : { uid }),
  groups,
  ...(extra === undefined ? {} : { extra }),
});

const attributesOf = (kind: string, spec: unknown): Attributes => {
  const resource = at(spec, 'resourceAttributes');
  const path = at(spec, 'nonResourceAttributes');
  if ((resource === undefined) === (path === undefined))
    throw invalid({ group: 'authorization.k8s.io', kind }, '', [
      {
        path: 'spec.resourceAttributes',
        reason: 'FieldValueInvalid',
        message: 'Invalid value: exactly one of nonResourceAttributes or resourceAttributes must be specified',
      },
    ]);
  if (path !== undefined) return { verb: text(at(path, 'verb')), path: text(at(path, 'path')) };
  return {
    verb: text(at(resource, 'verb')),
    group: text(at(resource, 'group')),
    resource: text(at(resource, 'resource')),
    subresource: text(at(resource, 'subresource')),
    namespace: text(at(resource, 'namespace')),
    name: text(at(resource, 'name')),
  };
};

const decide = (api: ApiState, kind: string, user: UserInfo, spec: unknown): object => {
  const { allowed, reason } = api.authorizer.authorize(user, attributesOf(kind, spec));
  return { allowed, ...(reason === '' ? {} : { reason }) };
};

const tokenReview = (api: ApiState, body: Record<string, unknown>): object => {
  const token = text(at(body.spec, 'token'));
  const wanted = texts(at(body.spec, 'audiences'));
  if (token === '') throw badRequest('TokenReview: spec.token must not be empty');
  const audiences = wanted.length === 0 ? [api.tokens.issuer] : wanted;
  const found = authenticateToken(api.store, api.tokens, token, audiences, api.now());
  if (found === undefined)
    return {
      user: {},
      error: '[invalid bearer token, or not meant for these audiences, or its service account or pod is gone]',
    };
  return { authenticated: true, user: userInfo(found.user), audiences: found.audiences };
};

const rulesReview = (api: ApiState, user: UserInfo, namespace: string): object => {
  const rules = api.authorizer.rulesOf(user, namespace);
  return {
    resourceRules: rules
      .filter(({ resources }) => resources.length > 0)
      .map(({ verbs, apiGroups, resources, resourceNames }) => ({
        verbs,
        apiGroups,
        resources,
        ...(resourceNames.length === 0 ? {} : { resourceNames }),
      })),
    nonResourceRules: rules
      .filter(({ nonResourceURLs }) => nonResourceURLs.length > 0)
      .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
    incomplete: false,
  };
};

/** Answers a review: a kind that is asked by POST and not stored. Throws StatusError. */
export const answerReview = (
  api: ApiState,
  kind: string,
  namespace: string,
  { user }: RequestContext,
  given: unknown,
): object => {
  const body = asked(given, kind);
  const answer = (group: string, status: object): object => ({
    ...body,
    kind,
    apiVersion: `${group}/v1`,
    metadata: { creationTimestamp: null, ...record(body.metadata) },
    ...(kind === 'TokenReview' ? { spec: { ...record(body.spec), token: '' } } : {}),
    status,
  });
  switch (kind) {
    case 'TokenReview':
      return answer('authentication.k8s.io', tokenReview(api, body));
    case 'SelfSubjectReview':
      return answer('authentication.k8s.io', { userInfo: userInfo(user) });
    case 'SelfSubjectAccessReview':
      return answer('authorization.k8s.io', decide(api, kind, user, body.spec));
    case 'SubjectAccessReview':
      return answer('authorization.k8s.io', decide(api, kind, userOf(body.spec), body.spec));
    case 'LocalSubjectAccessReview':
      if (text(at(body.spec, 'resourceAttributes', 'namespace')) !== namespace)
        throw badRequest('spec.resourceAttributes.namespace must match the namespace of the request');
      return answer('authorization.k8s.io', decide(api, kind, userOf(body.spec), body.spec));
    case 'SelfSubjectRulesReview':
      return answer('authorization.k8s.io', rulesReview(api, user, text(at(body.spec, 'namespace'))));
    default:
      throw unknownPath();
  }
};
