import type { IncomingHttpHeaders } from 'node:http';
import type { UserInfo } from '../types.ts';
import type { Attributes, Authorizer } from './authorize.ts';
import { forbidden } from './errors.ts';

const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;

const headerList = (value: string | string[] | undefined): readonly string[] =>
  value === undefined ? [] : (Array.isArray(value) ? value : value.split(',')).map((item) => item.trim());

/**
 * Who a request acts as: the caller, or whom its `Impersonate-*` headers name if it may
 * (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation). Throws Forbidden.
 */
export const impersonate = (authorizer: Authorizer, caller: UserInfo, headers: IncomingHttpHeaders): UserInfo => {
  const [username = ''] = headerList(headers['impersonate-user']);
  const groups = headerList(headers['impersonate-group']);
  const [uid] = headerList(headers['impersonate-uid']);
  if (username === '' && groups.length === 0 && uid === undefined) return caller;
  const check = (resource: string, name: string, namespace = '', group = ''): void => {
    const attributes: Attributes = { verb: 'impersonate', group, resource, subresource: '', namespace, name };
    if (authorizer.authorize(caller, attributes).allowed) return;
    throw forbidden(
      { group, resource },
      name,
      `User "${caller.username}" cannot impersonate resource "${resource}" in API group "${group}"` +
        (namespace === '' ? ' at the cluster scope' : ` in the namespace "${namespace}"`),
    );
  };
  const account = SERVICE_ACCOUNT.exec(username);
  if (account === null) check('users', username);
  else check('serviceaccounts', account[2] ?? '', account[1] ?? '');
  for (const group of groups) check('groups', group);
  if (uid !== undefined) check('uids', uid, '', 'authentication.k8s.io');
  const own = account === null ? [] : ['system:serviceaccounts', `system:serviceaccounts:${account[1] ?? ''}`];
  return {
    username,
    ...(uid === undefined ? {} : { uid }),
    groups: [...new Set([...groups, ...(groups.length === 0 ? own : []), 'system:authenticated'])],
  };
};
