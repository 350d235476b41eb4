import { TYPES } from '@osm/kube';
import { Command } from 'commander';
import { type CliContext, example, unusedLocalPort } from '../context.ts';
import { listMeshes, MONITORED_BY } from '../meshes.ts';
import { table } from '../table.ts';

/** SMI groups, and the names under which `mesh list` shows their kinds. */
const SMI: readonly (readonly [group: string, kinds: readonly string[]])[] = [
  ['specs.smi-spec.io', ['HTTPRouteGroup', 'TCPRoute']],
  ['split.smi-spec.io', ['TrafficSplit']],
  ['access.smi-spec.io', ['TrafficTarget']],
];

interface ApiGroup {
  readonly versions: readonly { readonly version: string }[];
}

async function list(context: CliContext): Promise<void> {
  const client = context.connect();
  try {
    const meshes = await listMeshes(client);
    if (meshes.length === 0) {
      context.write('no mesh is installed in this cluster\n');
      return;
    }
    const { items } = await client.list(TYPES.namespaces, { labelSelector: MONITORED_BY });
    const added = (mesh: string): string =>
      items
        .filter((namespace) => namespace.metadata.labels?.[MONITORED_BY] === mesh)
        .map((namespace) => namespace.metadata.name)
        .sort()
        .join(',') || '-';
    const supported: string[] = [];
    for (const [group, kinds] of SMI) {
      const { versions } = (await client.raw('GET', `/apis/${group}`).catch(() => ({ versions: [] }))) as ApiGroup;
      for (const kind of kinds) for (const { version } of versions) supported.push(`${kind}:${version}`);
    }
    context.write(
      table(
        ['MESH NAME', 'MESH NAMESPACE', 'VERSION', 'ADDED NAMESPACES'],
        meshes.map((mesh) => [mesh.name, mesh.namespace, mesh.version, added(mesh.name)]),
      ),
    );
    context.write('\n');
    context.write(
      table(
        ['MESH NAME', 'MESH NAMESPACE', 'SMI SUPPORTED'],
        meshes.map((mesh) => [mesh.name, mesh.namespace, supported.join(',') || '-']),
      ),
    );
  } finally {
    client.close();
  }
}

/** `osm mesh`. */
export function meshCommand(context: CliContext): Command {
  const listing = new Command('list')
    .description('control planes of the cluster')
    .addOption(unusedLocalPort())
    .action(() => list(context));
  example(listing, 'osm mesh list');
  return example(new Command('mesh').description('meshes of the cluster').addCommand(listing), 'osm mesh list');
}
