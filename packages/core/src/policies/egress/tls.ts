import type { EgressSpec } from '@osm/api';
import { CA_BUNDLE_NAME, certificatesFault } from '../../model/ca-bundle.ts';
import type { ObjectRef, PolicyFault, Snapshot } from '../../model/snapshot.ts';
import type { EgressTls } from '../../plan/types.ts';

type SpecTls = NonNullable<EgressSpec['ports'][number]['tls']>;

/**
 * The TLS that a port of an Egress asks for; undefined when the port must be left out, as the host could not be verified.
 * The bundle is that of the policy's own namespace.
 */
export function* egressTls(
  { port, serverName, ca }: SpecTls,
  hosts: readonly string[],
  object: ObjectRef,
  field: string,
  bundles: Snapshot['caBundles'],
): Generator<PolicyFault, EgressTls | undefined> {
  if (hosts.some((host) => host.includes('*'))) {
    yield { object, field, message: 'needs hosts without wildcards: the host is looked up beforehand' };
    return undefined;
  }
  const tls = { port, ...(serverName !== undefined && { serverName }) };
  if (ca === undefined) return tls;
  const place = `${ca.kind} ${object.namespace}/${CA_BUNDLE_NAME}`;
  const caPem = bundles.get(`${ca.kind}/${object.namespace}/${CA_BUNDLE_NAME}`)?.[ca.key];
  const fault = caPem === undefined ? 'does not exist' : certificatesFault(caPem);
  if (caPem !== undefined && fault === undefined) return { ...tls, caPem };
  yield { object, field: `${field}.ca`, message: `key ${ca.key} of ${place} ${fault}` };
  return undefined;
}
