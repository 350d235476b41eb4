import { crds } from '@osm/api';
import { TYPES } from '@osm/kube';
import { createLogger } from '../admin/log.ts';
import { type CleanupTargets, cleanUp } from '../bootstrap/cleanup.ts';
import { preinstallFaults } from '../bootstrap/preinstall.ts';
import { connectToCluster } from './process.ts';

/** `preinstall`: ends with code 1, and the reasons in the log, when the mesh must not be installed. */
export async function preinstall(options: {
  readonly verbosity: string;
  readonly namespace: string;
  readonly enforceSingleMesh: boolean;
}): Promise<void> {
  const log = createLogger('osm-preinstall', options.verbosity);
  const client = connectToCluster();
  try {
    const { items } = await client.list(TYPES.deployments, { labelSelector: 'app=osm-controller' });
    const faults = preinstallFaults(options, items);
    for (const fault of faults) log.error({}, fault);
    if (faults.length > 0) process.exitCode = 1;
    else log.info({}, 'nothing stands against the installation');
  } finally {
    client.close();
  }
}

/** `crds cleanup`: deletes what an uninstalled control plane leaves behind. */
export async function cleanup(options: CleanupTargets & { readonly verbosity: string }): Promise<void> {
  const log = createLogger('osm-cleanup', options.verbosity);
  const client = connectToCluster();
  try {
    await cleanUp(client, options, log);
  } finally {
    client.close();
  }
}

/** `crds print`: the CustomResourceDefinitions as one List, for `kubectl apply -f -`. */
export function printCrds(): void {
  process.stdout.write(`${JSON.stringify({ apiVersion: 'v1', kind: 'List', items: crds() }, undefined, 2)}\n`);
}
