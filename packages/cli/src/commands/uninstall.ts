import { setTimeout as delay } from 'node:timers/promises';
import { crds } from '@osm/api';
import { type KubeClient, type ResourceType, TYPES } from '@osm/kube';
import { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { type CliContext, example, type GlobalOptions, optionsOf, unusedLocalPort } from '../context.ts';
import { helm } from '../helm.ts';
import { chooseMesh, DEFAULT_MESH, listMeshes, type Mesh, orAbsent, unfinishedInstallation } from '../meshes.ts';
import { table } from '../table.ts';

interface UninstallOptions extends GlobalOptions {
  readonly meshName?: string;
  readonly force?: boolean;
  readonly deleteClusterWideResources?: boolean;
  readonly deleteNamespace?: boolean;
  readonly caBundleSecretName: string;
}

/** How long an object may take to go: its namespace is emptied, or its finalizers are waited for. */
const REMOVAL_MS = 60_000;
const LOOK_MS = 100;

/** Deletes an object when there is one, and waits until it has gone, so that the mesh can be installed again at once. */
async function remove(client: KubeClient, context: CliContext, type: ResourceType, name: string, namespace?: string) {
  const at = namespace === undefined ? {} : { namespace };
  const present = async (): Promise<boolean> => (await orAbsent(client.get(type, name, at))) !== undefined;
  if (!(await present())) return;
  await client.delete(type, name, at);
  const deadline = performance.now() + REMOVAL_MS;
  while (await present()) {
    if (performance.now() > deadline) {
      throw new CliError(
        `${type.kind} ${name} is still being deleted after ${REMOVAL_MS / 1000} s: kubectl describe ${type.resource} ${name} tells what it waits for`,
      );
    }
    await delay(LOOK_MS);
  }
  context.write(`${type.kind} ${name} is deleted\n`);
}

/** The mesh that is meant, or what an installation that did not come to its end has left of it. */
async function meshOrRemains(
  client: KubeClient,
  meshes: readonly Mesh[],
  options: UninstallOptions,
): Promise<Pick<Mesh, 'name' | 'namespace'>> {
  const name = options.meshName ?? DEFAULT_MESH;
  if (!meshes.some((mesh) => mesh.name === name)) {
    const namespace = options.osmNamespace;
    if ((await unfinishedInstallation(client, name, namespace)) !== undefined) return { name, namespace };
  }
  return chooseMesh(meshes, options.meshName ?? '');
}

async function deleteClusterWide(
  client: KubeClient,
  context: CliContext,
  mesh: Pick<Mesh, 'name' | 'namespace'>,
  secret: string,
): Promise<void> {
  const labelSelector = `app.kubernetes.io/name=openservicemesh.io,app.kubernetes.io/instance=${mesh.name}`;
  for (const type of [TYPES.mutatingWebhooks, TYPES.validatingWebhooks]) {
    for (const { metadata } of (await client.list(type, { labelSelector })).items) {
      await remove(client, context, type, metadata.name);
    }
  }
  await remove(client, context, TYPES.secrets, secret, mesh.namespace);
  for (const crd of crds() as readonly { metadata: { name: string } }[]) {
    await remove(client, context, TYPES.customResourceDefinitions, crd.metadata.name);
  }
}

async function uninstall(context: CliContext, options: UninstallOptions): Promise<void> {
  if (context.config.kind === 'managed') {
    throw new CliError(`this mesh is managed by ${context.config.distribution || 'its distribution'}: remove it there`);
  }
  const client = context.connect();
  try {
    const meshes = await listMeshes(client);
    if (meshes.length > 0) {
      context.note(
        table(
          ['MESH NAME', 'MESH NAMESPACE', 'VERSION'],
          meshes.map((mesh) => [mesh.name, mesh.namespace, mesh.version]),
        ),
      );
    }
    const mesh = await meshOrRemains(client, meshes, options);
    const ask = `Uninstall mesh ${mesh.name} in namespace ${mesh.namespace}?`;
    if (!options.force && !(await context.confirm(ask))) {
      context.write('nothing was changed\n');
      return;
    }
    await helm(
      ['uninstall', mesh.name, '--namespace', mesh.namespace, '--wait'],
      options.verbose ? context.note : undefined,
    );
    context.write(`mesh ${mesh.name} is uninstalled from namespace ${mesh.namespace}\n`);
    if (options.deleteClusterWideResources) await deleteClusterWide(client, context, mesh, options.caBundleSecretName);
    if (options.deleteNamespace) await remove(client, context, TYPES.namespaces, mesh.namespace);
  } finally {
    client.close();
  }
}

/** `osm uninstall mesh`. */
export function uninstallCommand(context: CliContext): Command {
  const mesh = new Command('mesh')
    .aliases(['delete', 'del'])
    .description('remove a control plane; applications keep running, with the sidecars they have')
    .option('--mesh-name <name>', 'the mesh, when there are several')
    .option('-f, --force', 'do not ask')
    .option('-a, --delete-cluster-wide-resources', 'delete CRDs (with every policy), webhooks and the CA secret too')
    .option('--delete-namespace', 'delete the namespace of the control plane too')
    .option('--ca-bundle-secret-name <name>', 'secret of the embedded authority', 'osm-ca-bundle')
    .addOption(unusedLocalPort())
    .action(() => uninstall(context, optionsOf<UninstallOptions>(mesh)));
  example(mesh, 'osm uninstall mesh', 'osm uninstall mesh --force --delete-cluster-wide-resources --delete-namespace');
  return example(
    new Command('uninstall').description('remove a mesh').addCommand(mesh),
    'osm uninstall mesh',
    'osm uninstall mesh --mesh-name blue --force',
  );
}
