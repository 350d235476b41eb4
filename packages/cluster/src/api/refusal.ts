import type { UserInfo } from '../types.ts';
import { forbidden, StatusError } from './errors.ts';
import type { RequestInfo } from './request-info.ts';

/** The request line as a URL. Throws BadRequest. */
export const parseUrl = (text: string): URL => {
  try {
    return new URL(text, 'https://cluster');
  } catch {
    throw new StatusError(400, 'BadRequest', 'the request line holds no valid path');
  }
};

/** 403 in the words of Kubernetes, which people and tools read. */
export const refusal = (user: UserInfo, info: RequestInfo): StatusError => {
  if (info.kind === 'path')
    return new StatusError(
      403,
      'Forbidden',
      `forbidden: User "${user.username}" cannot ${info.verb} path "${info.path}"`,
    );
  const { verb, group, resource, subresource, namespace, name } = info;
  const what = subresource === '' ? resource : `${resource}/${subresource}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  return forbidden(
    { group, resource },
    name,
    `User "${user.username}" cannot ${verb} resource "${what}" in API group "${group}" ${where}`,
  );
};
