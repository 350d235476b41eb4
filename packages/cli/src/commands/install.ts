import { defaultHome, listClusters } from '@osm/cluster';
import { defaultConfig } from '@osm/kube';
import { Command, Option } from 'commander';
import { CliError } from '../cli-error.ts';
import { type CliContext, example, type GlobalOptions, optionsOf } from '../context.ts';
import { helm } from '../helm.ts';
import { DEFAULT_MESH, listMeshes, unfinishedInstallation } from '../meshes.ts';
import { addProductImages } from '../product-images.ts';
import { CHART_PATH } from '../project-paths.ts';

/** Options of `osm install`. */
export interface InstallOptions extends GlobalOptions {
  readonly meshName: string;
  readonly osmChartPath?: string;
  readonly enforceSingleMesh?: boolean;
  /** Go duration, as Helm takes it. */
  readonly timeout: string;
  readonly set: readonly string[];
  readonly atomic?: boolean;
}

/**
 * A mesh's name is the name of its Helm release (https://helm.sh/docs/chart_best_practices/conventions, at most 53 characters),
 * which is a label value too.
 */
const MESH_NAME = /^(?=.{1,53}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

/** Embedded clusters pull no images, so the product's are named for the one that is talked to. */
async function nameImagesIfEmbedded(server: string): Promise<void> {
  const home = defaultHome();
  if (listClusters(home).some((cluster) => cluster.server === server)) await addProductImages(home);
}

/** Refuses what would leave two control planes in each other's way, before anything is created. */
async function checkOtherMeshes(context: CliContext, options: InstallOptions, single: boolean): Promise<void> {
  const client = context.connect();
  try {
    const { meshName, osmNamespace } = options;
    const unfinished = await unfinishedInstallation(client, meshName, osmNamespace);
    if (unfinished !== undefined) {
      const what = unfinished === 'failed' ? 'has failed' : 'was interrupted, or is still under way';
      throw new CliError(
        `an installation of mesh ${meshName} in namespace ${osmNamespace} ${what}: remove what there is of it, then install again: osm uninstall mesh --mesh-name ${meshName} --osm-namespace ${osmNamespace}`,
      );
    }
    for (const mesh of await listMeshes(client)) {
      if (mesh.namespace === options.osmNamespace) {
        throw new CliError(
          `mesh ${mesh.name} ${mesh.version} is already installed in namespace ${mesh.namespace}: remove it with: osm uninstall mesh --mesh-name ${mesh.name} --osm-namespace ${mesh.namespace}`,
        );
      }
      if (mesh.name === options.meshName) {
        throw new CliError(
          `a mesh named ${mesh.name} exists in namespace ${mesh.namespace}: choose another --mesh-name`,
        );
      }
      if (mesh.single) {
        throw new CliError(
          `mesh ${mesh.name} in namespace ${mesh.namespace} was installed as the only one of the cluster: uninstall it, and install each mesh with --enforce-single-mesh=false`,
        );
      }
      if (single) {
        throw new CliError(
          `mesh ${mesh.name} is installed in namespace ${mesh.namespace}: to have another one beside it, give --enforce-single-mesh=false`,
        );
      }
    }
  } finally {
    client.close();
  }
}

/** Installs the mesh with Helm and waits until it is ready. */
export async function install(context: CliContext, options: InstallOptions): Promise<void> {
  if (!MESH_NAME.test(options.meshName)) {
    throw new CliError(
      `--mesh-name ${JSON.stringify(options.meshName)} cannot be the name of a mesh: use up to 53 lower-case letters, digits, dashes and dots, with a letter or digit at both ends`,
    );
  }
  const single = options.enforceSingleMesh ?? true;
  await checkOtherMeshes(context, options, single);
  const { server } = defaultConfig();
  if (server !== undefined) await nameImagesIfEmbedded(server);
  const sets = [`osm.meshName=${options.meshName}`, `osm.enforceSingleMesh=${single}`, ...options.set];
  await helm(
    [
      'install',
      options.meshName,
      options.osmChartPath ?? CHART_PATH,
      '--namespace',
      options.osmNamespace,
      '--create-namespace',
      '--wait',
      '--timeout',
      options.timeout,
      ...(options.atomic ? ['--rollback-on-failure'] : []),
      ...sets.flatMap((value) => ['--set', value]),
    ],
    options.verbose ? context.note : undefined,
  );
  context.write(`mesh ${options.meshName} is installed in namespace ${options.osmNamespace}\n`);
}

const collect = (value: string, former: readonly string[]): readonly string[] => [...former, value];

/** `osm install`. */
export function installCommand(context: CliContext): Command {
  const command = new Command('install')
    .description('install the control plane with Helm, and wait until it is ready')
    .option('--mesh-name <name>', 'name of the mesh', DEFAULT_MESH)
    .option('--osm-chart-path <path>', "another chart than the product's")
    .option('--enforce-single-mesh [boolean]', 'allow no other mesh in the cluster', (text) => text !== 'false', true)
    .option('--timeout <duration>', 'how long to wait', '5m')
    .addOption(new Option('--set <path=value>', 'value of the chart (repeat)').argParser(collect).default([], 'none'))
    .option('--atomic', 'undo an installation that fails')
    .action(() => install(context, optionsOf<InstallOptions>(command)));
  return example(
    command,
    'osm install',
    'osm install --set osm.enablePermissiveTrafficPolicy=false --set osm.osmController.replicaCount=2',
    'osm install --mesh-name blue --osm-namespace osm-blue --enforce-single-mesh=false',
  );
}
