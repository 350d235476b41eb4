import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Store } from '../store/index.ts';
import type { UserInfo } from '../types.ts';
import { unauthorized } from './errors.ts';
import type { TokenClaims, TokenSigner } from './tokens.ts';

/** Who calls without credentials. */
export const ANONYMOUS: UserInfo = Object.freeze({
  username: 'system:anonymous',
  groups: Object.freeze(['system:unauthenticated']),
});

/** What a token must still find in the cluster: its service account and what it is bound to, by uid. */
const bindingHolds = (store: Store, claims: TokenClaims): boolean => {
  const alive = (bucket: string, target: { name: string; uid: string } | undefined, namespaced = true): boolean => {
    if (target === undefined) return true;
    const key = namespaced ? `${claims.namespace}/${target.name}` : target.name;
    return store.get(bucket, key)?.object.metadata.uid === target.uid;
  };
  return (
    alive('serviceaccounts', claims.serviceAccount) &&
    alive('pods', claims.pod) &&
    alive('secrets', claims.secret) &&
    alive('nodes', claims.node, false)
  );
};

/** The user of a bearer token if the token is good for one of `audiences`, with the audiences it is good for. */
export const authenticateToken = (
  store: Store,
  tokens: TokenSigner,
  token: string,
  audiences: readonly string[],
  now: Date,
): { readonly user: UserInfo; readonly audiences: readonly string[] } | undefined => {
  const claims = tokens.read(token, now);
  if (claims === undefined || !bindingHolds(store, claims)) return undefined;
  const shared = claims.audiences.filter((audience) => audiences.includes(audience));
  if (shared.length === 0) return undefined;
  const { namespace, serviceAccount, pod, node } = claims;
  const user: UserInfo = {
    username: `system:serviceaccount:${namespace}:${serviceAccount.name}`,
    uid: serviceAccount.uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    extra: {
      'authentication.kubernetes.io/credential-id': [`JTI=${claims.id}`],
      ...(node === undefined
        ? {}
        : {
            'authentication.kubernetes.io/node-name': [node.name],
            'authentication.kubernetes.io/node-uid': [node.uid],
          }),
      ...(pod === undefined
        ? {}
        : { 'authentication.kubernetes.io/pod-name': [pod.name], 'authentication.kubernetes.io/pod-uid': [pod.uid] }),
    },
  };
  return { user, audiences: shared };
};

/** The certificate's user is the same for every request of a connection. */
const byConnection = new WeakMap<TLSSocket, UserInfo>();

/** The user that a connection's client certificate names (CN, with O as groups); `undefined` when it showed none. */
const authenticateCertificate = (socket: IncomingMessage['socket']): UserInfo | undefined => {
  if (!(socket instanceof TLSSocket)) return undefined;
  const known = byConnection.get(socket);
  if (known !== undefined) return known;
  const certificate = socket.getPeerCertificate();
  if (certificate === null || Object.keys(certificate).length === 0) return undefined;
  // A certificate of another authority, or out of date, is a wrong password, not a missing one.
  if (!socket.authorized) throw unauthorized();
  const { CN, O } = certificate.subject as { CN?: string | string[]; O?: string | string[] };
  const username = Array.isArray(CN) ? CN[0] : CN;
  if (username === undefined || username === '') throw unauthorized();
  const organizations = O === undefined ? [] : Array.isArray(O) ? O : [O];
  const user = Object.freeze({ username, groups: [...organizations, 'system:authenticated'] });
  byConnection.set(socket, user);
  return user;
};

/** Establishes who is calling. Throws Unauthorized for credentials that are wrong; none at all is anonymous. */
export const authenticate = (store: Store, tokens: TokenSigner, request: IncomingMessage, now: Date): UserInfo => {
  const byCertificate = authenticateCertificate(request.socket);
  if (byCertificate !== undefined) return byCertificate;
  const { authorization } = request.headers;
  const token = authorization === undefined ? webSocketToken(request) : /^Bearer\s+(\S+)$/i.exec(authorization)?.[1];
  if (token === undefined) {
    if (authorization !== undefined) throw unauthorized();
    return ANONYMOUS;
  }
  const found = authenticateToken(store, tokens, token, [tokens.issuer], now);
  if (found === undefined) throw unauthorized();
  return found.user;
};

const PROTOCOL = 'base64url.bearer.authorization.k8s.io.';

/** Browsers cannot set headers on a WebSocket: Kubernetes takes the token as a subprotocol there. */
const webSocketToken = (request: IncomingMessage): string | undefined => {
  const protocols = request.headers['sec-websocket-protocol']?.split(',').map((protocol) => protocol.trim()) ?? [];
  const found = protocols.find((protocol) => protocol.startsWith(PROTOCOL));
  return found === undefined ? undefined : Buffer.from(found.slice(PROTOCOL.length), 'base64url').toString();
};
