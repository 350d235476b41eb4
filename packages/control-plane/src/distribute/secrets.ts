import { type Resource, TYPE_URL } from '@osm/envoy';
import { principalOf, type ServiceIdentity, spiffeIdOf } from '../identity/names.ts';

/** Key material of a workload, PEM. */
export interface WorkloadKeys {
  readonly chainPem: string;
  readonly keyPem: string;
}

/**
 * SDS name of the certificate that a workload shows to servers. It is the same for every workload, so that clusters are
 * too; each stream has its own certificate under it.
 */
export const CLIENT_CERT_NAME = 'service-cert';

/** SDS name of the certificate that a workload shows to its clients. */
export function serviceCertName(identity: ServiceIdentity): string {
  return `service-cert:${identity.namespace}/${identity.serviceAccount}`;
}

/** SDS name of the validation context for connections that a workload accepts. */
export function inboundRootName(identity: ServiceIdentity): string {
  return `root-cert-for-mtls-inbound:${identity.namespace}/${identity.serviceAccount}`;
}

/** SDS name of the validation context for connections to a service; `service` is `namespace/name`. */
export function outboundRootName(service: string): string {
  return `root-cert-for-mtls-outbound:${service}`;
}

const secret = (name: string, content: object): Resource => ({
  typeUrl: TYPE_URL.secret,
  name,
  json: { name, ...content },
});

/** The workload's certificate and key, under the names for both directions of mTLS. */
export function serviceCerts(identity: ServiceIdentity, keys: WorkloadKeys): readonly Resource[] {
  const content = {
    tlsCertificate: {
      certificateChain: { inlineString: keys.chainPem },
      privateKey: { inlineString: keys.keyPem },
    },
  };
  return [secret(serviceCertName(identity), content), secret(CLIENT_CERT_NAME, content)];
}

/** The roots that verify clients. Who of them may call is the RBAC filters' to say, so no name is matched here. */
export function inboundRoot(identity: ServiceIdentity, trustPem: string): Resource {
  return secret(inboundRootName(identity), { validationContext: { trustedCa: { inlineString: trustPem } } });
}

/**
 * The roots and the names that verify a server: only service accounts that stand behind the service are taken for it.
 * Without any, nobody is: an empty list would let every certificate of the mesh pass.
 */
export function outboundRoot(
  service: string,
  servers: readonly ServiceIdentity[],
  trustDomain: string,
  trustPem: string,
): Resource {
  const names =
    servers.length === 0
      ? [{ sanType: 'DNS', matcher: { exact: 'nobody.invalid' } }]
      : servers.flatMap((server) => [
          { sanType: 'URI', matcher: { exact: spiffeIdOf(server, trustDomain) } },
          { sanType: 'DNS', matcher: { exact: principalOf(server, trustDomain) } },
        ]);
  return secret(outboundRootName(service), {
    validationContext: { trustedCa: { inlineString: trustPem }, matchTypedSubjectAltNames: names },
  });
}
