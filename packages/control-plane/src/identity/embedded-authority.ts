import type { KubeClient } from '@osm/kube';
import { createEmbeddedIssuer, createRoot, type Issuer } from '@osm/pki';
import { loadAuthority } from './authority.ts';

/** Subject of the embedded root, as OSM wrote it. */
const ROOT = {
  commonName: 'osm-ca.openservicemesh.io',
  organization: 'Open Service Mesh',
  country: 'US',
  locality: 'CA',
};

/** The issuer that signs with the authority in the mesh's Secret, which is made when absent. */
export async function openAuthority(
  client: KubeClient,
  options: { readonly meshName: string; readonly caBundleSecretName: string },
  namespace: string,
): Promise<Issuer> {
  const place = { namespace, secretName: options.caBundleSecretName, meshName: options.meshName };
  const material = await loadAuthority(client, place, () => createRoot(ROOT));
  return createEmbeddedIssuer(material);
}
