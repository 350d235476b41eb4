import type { MeshObject } from './objects.ts';

/** Annotation of a Namespace or Pod: the name of one of MeshConfig's `externalAuthorizers`, asked in place of the mesh's. */
export const AUTHORIZER_ANNOTATION = 'openservicemesh.io/external-authorization';

/** The mesh's own service (`inboundExternalAuthorization`); no name of another, as those are DNS labels. */
export const MESH_AUTHORIZER = '';

/** No service; for namespaces only, as who may make a pod must not lift what is asked about it. */
export const NO_AUTHORIZER = 'disabled';

/** The service that a Namespace names, as it is written; undefined when it names none. */
export const namespaceAuthorizer = ({ metadata }: MeshObject): string | undefined =>
  metadata.annotations?.[AUTHORIZER_ANNOTATION]?.trim() || undefined;

/** The service that a Pod names. */
export function podAuthorizer({ metadata }: MeshObject): string | undefined {
  const name = metadata.annotations?.[AUTHORIZER_ANNOTATION]?.trim();
  return name === NO_AUTHORIZER ? undefined : name || undefined;
}
