import { createHash, createPrivateKey, createPublicKey, type KeyObject, randomUUID, sign, verify } from 'node:crypto';
import { at, record, text, texts } from '../store/fields.ts';

/** What a service-account token is bound to: it dies with any of these. */
export interface TokenBinding {
  readonly namespace: string;
  readonly serviceAccount: { readonly name: string; readonly uid: string };
  readonly pod?: { readonly name: string; readonly uid: string };
  readonly secret?: { readonly name: string; readonly uid: string };
  readonly node?: { readonly name: string; readonly uid: string };
}

/** What a token with a valid signature says. */
export interface TokenClaims extends TokenBinding {
  readonly id: string;
  readonly audiences: readonly string[];
  /** Seconds since the epoch. */
  readonly expires: number;
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const decode = (part: string): unknown => {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString());
  } catch {
    return undefined;
  }
};

const named = (value: unknown): { name: string; uid: string } | undefined =>
  value === undefined ? undefined : { name: text(at(value, 'name')), uid: text(at(value, 'uid')) };

/**
 * Signs and reads service-account tokens: JWTs with ES256 (RFC 7515, RFC 7518 §3.4) and the claims of bound tokens
 * (https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#schema-for-service-account-private-claims).
 */
export class TokenSigner {
  readonly issuer: string;
  readonly #key: KeyObject;
  readonly #publicKey: KeyObject;
  readonly #keyId: string;

  /** `keyPem` is a private key on the curve P-256. Throws for any other key. */
  constructor(keyPem: string, issuer: string) {
    this.issuer = issuer;
    this.#key = createPrivateKey(keyPem);
    if (this.#key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
      throw new Error('the service account key must be an EC key on the curve P-256');
    this.#publicKey = createPublicKey(this.#key);
    const der = this.#publicKey.export({ type: 'spki', format: 'der' });
    this.#keyId = createHash('sha256').update(der).digest('base64url');
  }

  /** The public key as a JWK set (RFC 7517), for `/openid/v1/jwks`. */
  jwks(): object {
    const jwk = this.#publicKey.export({ format: 'jwk' });
    return { keys: [{ ...jwk, use: 'sig', kid: this.#keyId, alg: 'ES256' }] };
  }

  /** A token good from `now` for `seconds`. */
  issue(
    binding: TokenBinding,
    audiences: readonly string[],
    seconds: number,
    now: Date,
  ): { token: string; expires: Date } {
    const issued = Math.floor(now.getTime() / 1000);
    const { namespace, serviceAccount, pod, secret, node } = binding;
    const payload = {
      aud: audiences,
      exp: issued + seconds,
      iat: issued,
      iss: this.issuer,
      jti: randomUUID(),
      'kubernetes.io': {
        namespace,
        ...(node === undefined ? {} : { node }),
        ...(pod === undefined ? {} : { pod }),
        ...(secret === undefined ? {} : { secret }),
        serviceaccount: serviceAccount,
      },
      nbf: issued,
      sub: `system:serviceaccount:${namespace}:${serviceAccount.name}`,
    };
    const signed = `${encode({ alg: 'ES256', kid: this.#keyId, typ: 'JWT' })}.${encode(payload)}`;
    const signature = sign('sha256', Buffer.from(signed), { key: this.#key, dsaEncoding: 'ieee-p1363' });
    return { token: `${signed}.${signature.toString('base64url')}`, expires: new Date((issued + seconds) * 1000) };
  }

  /** The claims of a token of this issuer that is in force at `now`; `undefined` for any other. */
  read(token: string, now: Date): TokenClaims | undefined {
    const [head = '', body = '', signature = '', ...rest] = token.split('.');
    if (rest.length > 0 || token.length > 16_384 || at(decode(head), 'alg') !== 'ES256') return undefined;
    const key = { key: this.#publicKey, dsaEncoding: 'ieee-p1363' } as const;
    const proven = verify('sha256', Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url'));
    if (!proven) return undefined;
    const claims = record(decode(body));
    const { exp, nbf } = claims;
    const seconds = now.getTime() / 1000;
    if (claims.iss !== this.issuer || typeof exp !== 'number' || typeof nbf !== 'number') return undefined;
    // A minute of tolerance on the start only: clocks of one machine differ by rounding, not more.
    if (seconds >= exp || seconds < nbf - 60) return undefined;
    const bound = claims['kubernetes.io'];
    const serviceAccount = named(at(bound, 'serviceaccount'));
    if (serviceAccount === undefined) return undefined;
    const pod = named(at(bound, 'pod'));
    const secret = named(at(bound, 'secret'));
    const node = named(at(bound, 'node'));
    return {
      id: text(claims.jti),
      audiences: texts(claims.aud),
      expires: exp,
      namespace: text(at(bound, 'namespace')),
      serviceAccount,
      ...(pod === undefined ? {} : { pod }),
      ...(secret === undefined ? {} : { secret }),
      ...(node === undefined ? {} : { node }),
    };
  }
}
