import { type KubeClient, type KubeObject, TYPES } from '@osm/kube';
import { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { type CliContext, example, optionsOf } from '../context.ts';
import { chooseMesh, IGNORE, listMeshes, MONITORED_BY, orAbsent, SIDECAR_INJECTION } from '../meshes.ts';
import { table } from '../table.ts';

async function existing(client: KubeClient, name: string): Promise<KubeObject> {
  const namespace = await orAbsent(client.get(TYPES.namespaces, name));
  if (namespace === undefined) throw new CliError(`namespace ${name} does not exist: kubectl create namespace ${name}`);
  return namespace;
}

const change = (client: KubeClient, name: string, metadata: object): Promise<KubeObject> =>
  client.patch(TYPES.namespaces, name, 'merge', { metadata });

interface AddOptions {
  readonly meshName: string;
  readonly disableSidecarInjection?: boolean;
}

/** Checks every namespace before it changes the first. */
async function add(context: CliContext, client: KubeClient, names: readonly string[], options: AddOptions) {
  const meshes = await listMeshes(client);
  chooseMesh(meshes, options.meshName);
  const ignored = new Set<string>();
  for (const name of names) {
    const labels = (await existing(client, name)).metadata.labels ?? {};
    const owner = labels[MONITORED_BY];
    if (labels[IGNORE] !== undefined) ignored.add(name);
    if (meshes.some((mesh) => mesh.namespace === name)) {
      throw new CliError(`namespace ${name} holds a control plane and cannot be meshed itself`);
    }
    if (owner !== undefined && owner !== options.meshName) {
      throw new CliError(
        `namespace ${name} belongs to mesh ${owner}: first: osm namespace remove ${name} --mesh-name ${owner}`,
      );
    }
  }
  const injection = options.disableSidecarInjection ? 'disabled' : 'enabled';
  for (const name of names) {
    await change(client, name, {
      labels: { [MONITORED_BY]: options.meshName },
      annotations: { [SIDECAR_INJECTION]: injection },
    });
    context.write(`namespace ${name} is part of mesh ${options.meshName}, sidecar injection ${injection}\n`);
    if (ignored.has(name)) {
      context.note(
        `namespace ${name} is labelled ${IGNORE}, so its pods get no sidecar: kubectl label namespace ${name} ${IGNORE}-\n`,
      );
    }
  }
}

async function remove(context: CliContext, client: KubeClient, name: string, mesh: string): Promise<void> {
  const owner = (await existing(client, name)).metadata.labels?.[MONITORED_BY];
  if (owner === undefined)
    throw new CliError(`namespace ${name} is part of no mesh: osm namespace list shows those that are`);
  if (owner !== mesh)
    throw new CliError(`namespace ${name} belongs to mesh ${owner}, not ${mesh}: give --mesh-name ${owner}`);
  await change(client, name, { labels: { [MONITORED_BY]: null }, annotations: { [SIDECAR_INJECTION]: null } });
  context.write(
    `namespace ${name} is no longer part of mesh ${mesh}; its pods keep their sidecars until they are made anew\n`,
  );
}

async function ignore(context: CliContext, client: KubeClient, names: readonly string[]): Promise<void> {
  for (const name of names) await existing(client, name);
  for (const name of names) {
    await change(client, name, { labels: { [IGNORE]: 'true' } });
    context.write(`namespace ${name} is ignored by every mesh\n`);
  }
}

function injectionOf(namespace: KubeObject): string {
  const value = namespace.metadata.annotations?.[SIDECAR_INJECTION] ?? '-';
  return namespace.metadata.labels?.[IGNORE] === undefined ? value : 'disabled (ignored)';
}

async function list(context: CliContext, client: KubeClient, mesh: string): Promise<void> {
  const labelSelector = mesh === '' ? MONITORED_BY : `${MONITORED_BY}=${mesh}`;
  const { items } = await client.list(TYPES.namespaces, { labelSelector });
  if (items.length === 0) context.write(`no namespace is part of ${mesh === '' ? 'a mesh' : `mesh ${mesh}`}\n`);
  else {
    context.write(
      table(
        ['NAMESPACE', 'MESH', 'SIDECAR-INJECTION'],
        items.map((item) => [item.metadata.name, item.metadata.labels?.[MONITORED_BY] ?? '', injectionOf(item)]),
      ),
    );
  }
}

/** `osm namespace`. */
export function namespaceCommand(context: CliContext): Command {
  const connected = async (work: (client: KubeClient) => Promise<void>): Promise<void> => {
    const client = context.connect();
    try {
      await work(client);
    } finally {
      client.close();
    }
  };
  const adding = new Command('add')
    .description('let namespaces take part in a mesh; pods made from now on get a sidecar')
    .argument('<namespace...>')
    .option('--mesh-name <name>', 'the mesh', 'osm')
    .option('--disable-sidecar-injection', 'give pods no sidecar unless their annotation asks for one')
    .action((names: string[]) => connected((client) => add(context, client, names, optionsOf<AddOptions>(adding))));
  example(adding, 'osm namespace add bookstore bookbuyer', 'osm namespace add ingress --disable-sidecar-injection');
  const removing = new Command('remove')
    .description('take a namespace out of its mesh')
    .argument('<namespace>')
    .option('--mesh-name <name>', 'the mesh', 'osm')
    .action((name: string, { meshName }: { meshName: string }) =>
      connected((client) => remove(context, client, name, meshName)),
    );
  example(removing, 'osm namespace remove bookstore');
  const ignoring = new Command('ignore')
    .description('keep the webhooks of every mesh away from namespaces')
    .argument('<namespace...>')
    .action((names: string[]) => connected((client) => ignore(context, client, names)));
  example(ignoring, 'osm namespace ignore kube-system');
  const listing = new Command('list')
    .description('namespaces that take part in a mesh')
    .option('--mesh-name <name>', 'of this mesh only')
    .action(({ meshName = '' }: { meshName?: string }) => connected((client) => list(context, client, meshName)));
  example(listing, 'osm namespace list', 'osm namespace list --mesh-name osm');
  const namespace = new Command('namespace')
    .alias('ns')
    .description('namespaces of a mesh')
    .addCommand(adding)
    .addCommand(removing)
    .addCommand(ignoring)
    .addCommand(listing);
  return example(namespace, 'osm namespace add bookstore', 'osm namespace list');
}
