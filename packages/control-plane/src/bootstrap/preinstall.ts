import type { KubeObject } from '@osm/kube';
import { LABEL } from '../surface.ts';

/** What somebody wants to install. */
export interface PreinstallWish {
  readonly namespace: string;
  readonly enforceSingleMesh: boolean;
}

/**
 * Why a mesh cannot be installed beside the control planes that run already; empty when it can. `controllers` are the
 * Deployments labelled `app=osm-controller` in all namespaces.
 */
export function preinstallFaults(wish: PreinstallWish, controllers: readonly KubeObject[]): readonly string[] {
  const describe = ({ metadata }: KubeObject): string =>
    `mesh ${metadata.labels?.[LABEL.meshName] ?? '(unnamed)'} in namespace ${metadata.namespace}`;
  const faults: string[] = [];
  const enforcing = controllers.filter((c) => c.metadata.labels?.enforceSingleMesh === 'true');
  for (const controller of enforcing) {
    faults.push(`${describe(controller)} was installed with enforceSingleMesh=true, so no other mesh may be installed`);
  }
  if (wish.enforceSingleMesh && enforcing.length === 0 && controllers.length > 0) {
    faults.push(
      `enforceSingleMesh=true cannot hold: ${controllers.map(describe).join(', ')} exists; uninstall it or set enforceSingleMesh=false`,
    );
  }
  const here = controllers.find((c) => c.metadata.namespace === wish.namespace);
  if (here !== undefined && enforcing.length === 0 && !wish.enforceSingleMesh) {
    faults.push(`namespace ${wish.namespace} already holds ${describe(here)}; choose another namespace`);
  }
  return faults;
}
