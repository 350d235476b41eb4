/** A workload identity: its service account. */
export interface ServiceIdentity {
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** A proxy as its client certificate towards the control plane names it. */
export interface ProxyIdentity extends ServiceIdentity {
  readonly uuid: string;
}

/** `<service account>.<namespace>.<trust domain>`: CN and DNS SAN of a workload certificate. */
export function principalOf(identity: ServiceIdentity, trustDomain: string): string {
  return `${identity.serviceAccount}.${identity.namespace}.${trustDomain}`;
}

/** URI SAN of a workload certificate, in the path order that OSM used (`spiffe://<trust domain>/<sa>/<namespace>`). */
export function spiffeIdOf(identity: ServiceIdentity, trustDomain: string): string {
  return `spiffe://${trustDomain}/${identity.serviceAccount}/${identity.namespace}`;
}

/** CN of a proxy's client certificate, and its xDS node id. */
export function proxyCommonName(proxy: ProxyIdentity, trustDomain: string): string {
  return `${proxy.uuid}.sidecar.${proxy.serviceAccount}.${proxy.namespace}.${trustDomain}`;
}

/**
 * Reads a proxy's client certificate CN. A service account name may hold dots (it is a DNS subdomain), a namespace may
 * not, so the namespace is the last label before the trust domain. Undefined when the CN has another form.
 */
export function parseProxyCommonName(commonName: string, trustDomain: string): ProxyIdentity | undefined {
  const tail = `.${trustDomain}`;
  if (!commonName.endsWith(tail)) return undefined;
  const [uuid = '', kind = '', ...rest] = commonName.slice(0, -tail.length).split('.');
  const namespace = rest.pop() ?? '';
  const serviceAccount = rest.join('.');
  if (kind !== 'sidecar' || uuid === '' || serviceAccount === '' || namespace === '') return undefined;
  return { uuid, serviceAccount, namespace };
}

/** Map key of an identity, `<namespace>/<service account>`. */
export function identityKey(identity: ServiceIdentity): string {
  return `${identity.namespace}/${identity.serviceAccount}`;
}
