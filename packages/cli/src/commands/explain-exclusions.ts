import { type ExplainedExclusion, explainExclusions, MESH_TYPES } from '@osm/control-plane';
import { type KubeClient, TYPES } from '@osm/kube';
import { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { type CliContext, example } from '../context.ts';
import { chooseMesh, listMeshes, orAbsent } from '../meshes.ts';
import { table } from '../table.ts';

interface Options {
  readonly namespace: string;
  readonly meshName: string;
}

/** Name of the MeshConfig that a control plane reads. */
const MESH_CONFIG = 'osm-mesh-config';

const rows = (exclusions: readonly ExplainedExclusion[]): string =>
  table(
    ['DIRECTION', 'WHAT', 'WHY'],
    exclusions.map(({ direction, what, why }) => [direction, what, why.join('; ')]),
  );

async function explain(context: CliContext, client: KubeClient, name: string, options: Options): Promise<void> {
  const { namespace, meshName } = options;
  const mesh = chooseMesh(await listMeshes(client), meshName);
  const [pod, meshConfig] = await Promise.all([
    orAbsent(client.get(TYPES.pods, name, { namespace })),
    orAbsent(client.get(MESH_TYPES.meshConfigs, MESH_CONFIG, { namespace: mesh.namespace })),
  ]);
  if (pod === undefined) throw new CliError(`there is no pod ${namespace}/${name}`);
  const report = explainExclusions(pod as unknown as Parameters<typeof explainExclusions>[0], meshConfig);
  if (report === undefined) {
    context.write(`pod ${namespace}/${name} has no sidecar: none of its traffic is captured\n`);
    return;
  }
  const included = report.inForce.filter(({ effect }) => effect === 'included');
  const excluded = report.inForce.filter(({ effect }) => effect === 'excluded');
  context.write(`pod ${namespace}/${name}: TCP over IPv4 goes through the proxy, both ways, but for this\n\n`);
  context.write(rows(excluded));
  if (included.length > 0) context.write(`\nof what goes out, only this goes through the proxy\n\n${rows(included)}`);
  if (report.notInForce.length > 0) {
    context.write(`\nasked for, and in force only once the pod is made anew\n\n${rows(report.notInForce)}`);
  }
  context.write('\nUDP and IPv6 are never captured\n');
}

/** `osm explain exclusions`: what of a pod's traffic passes by its proxy, and why. */
export function explainExclusionsCommand(context: CliContext): Command {
  const command: Command = new Command('exclusions')
    .description("tell what of a pod's traffic passes by its proxy, and who asked for that")
    .argument('<pod>')
    .option('-n, --namespace <namespace>', 'namespace of the pod', 'default')
    .option('--mesh-name <name>', 'which mesh, where there are several', '')
    .action(async (name: string) => {
      const client = context.connect();
      try {
        await explain(context, client, name, command.opts());
      } finally {
        client.close();
      }
    });
  return example(command, 'osm explain exclusions cart-7d9f -n shop');
}
