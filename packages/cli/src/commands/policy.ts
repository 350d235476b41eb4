import {
  type HttpMatch,
  type InboundService,
  type Origin,
  type PolicyFault,
  planProxy,
  policyFaults,
  type Snapshot,
  type Workload,
} from '@osm/core';
import { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { type CliContext, example } from '../context.ts';
import { readMesh } from '../mesh-snapshot.ts';
import { chooseMesh, listMeshes } from '../meshes.ts';
import { table } from '../table.ts';
import { policyAuditCommand, policyPlaintextCommand } from './policy-audit.ts';

interface MeshOption {
  readonly meshName: string;
}

async function snapshotOf(context: CliContext, { meshName }: MeshOption): Promise<Snapshot> {
  const client = context.connect();
  try {
    return await readMesh(client, chooseMesh(await listMeshes(client), meshName));
  } finally {
    client.close();
  }
}

/** Kinds whose objects can be at odds with one another. */
const CONFLICTING = ['IngressBackend', 'Egress', 'TrafficSplit', 'UpstreamTrafficSetting'];
const named = ({ object }: PolicyFault): string => `${object.kind} ${object.namespace}/${object.name}`;

async function checkConflicts(
  context: CliContext,
  kind: string,
  options: MeshOption & { readonly namespaces: readonly string[] },
): Promise<void> {
  const known = CONFLICTING.find((each) => each.toLowerCase() === kind.toLowerCase());
  if (known === undefined) throw new CliError(`${kind} is none of ${CONFLICTING.join(', ')}`);
  const [namespace, ...others] = options.namespaces;
  if (namespace === undefined || others.length > 0) throw new CliError('name exactly one namespace with --namespaces');
  const snapshot = await snapshotOf(context, options);
  if (!snapshot.namespaces.has(namespace)) {
    throw new CliError(`namespace ${namespace} takes no part in the mesh: add it with: osm namespace add ${namespace}`);
  }
  const faults = policyFaults(snapshot).filter(({ object }) => object.kind === known && object.namespace === namespace);
  if (faults.length === 0) {
    context.write(`no conflicts among objects of kind ${known} in namespace ${namespace}\n`);
    return;
  }
  context.write(
    table(
      ['OBJECT', 'FIELD', 'WHAT IS WRONG'],
      faults.map((fault) => [named(fault), fault.field, fault.message]),
    ),
  );
  throw new CliError(`${faults.length} of what objects of kind ${known} in namespace ${namespace} say is not in force`);
}

function podNamed(snapshot: Snapshot, word: string): Workload {
  const [namespace = '', name, ...rest] = word.includes('/') ? word.split('/') : ['default', word];
  if (!name || rest.length > 0) throw new CliError(`${word} names no pod: give namespace/name`);
  if (!snapshot.namespaces.has(namespace)) throw new CliError(`namespace ${namespace} takes no part in the mesh`);
  const workload = snapshot.workloads.get(`${namespace}/${name}`);
  if (workload === undefined) throw new CliError(`there is no running pod ${namespace}/${name}`);
  if (workload.proxyUuid === undefined) {
    throw new CliError(`pod ${namespace}/${name} has no sidecar: make its namespace inject, and restart it`);
  }
  return workload;
}

const requests = ({ path, methods, headers }: HttpMatch): string =>
  [methods?.join(',') ?? 'any method', path === '.*' ? 'any path' : path]
    .concat(headers.map(({ name, regex }) => `${name}: ${regex}`))
    .join(' ');
const because = (origins: readonly Origin[]): string =>
  origins.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`).join(', ') || '-';

/** What a pod may do on one port of another: a line for each rule that says so. */
function grants({ access, protocol, targetPort }: InboundService, { identity }: Workload): readonly string[][] {
  if (access.mode === 'any') return [['anything', 'permissive mode']];
  const isSource = ({ sources }: { readonly sources: readonly Workload['identity'][] }): boolean =>
    sources.some(
      (source) => source.namespace === identity.namespace && source.serviceAccount === identity.serviceAccount,
    );
  if (protocol === 'http' || protocol === 'grpc') {
    return access.http.filter(isSource).map(({ match, origins }) => [requests(match), because(origins)]);
  }
  return access.tcp
    .filter((rule) => isSource(rule) && (rule.ports?.includes(targetPort) ?? true))
    .map(({ origins }) => ['connections', because(origins)]);
}

async function checkPods(context: CliContext, from: string, to: string, options: MeshOption): Promise<void> {
  const snapshot = await snapshotOf(context, options);
  const source = podNamed(snapshot, from);
  const destination = podNamed(snapshot, to);
  const { namespace, name, identity } = destination;
  const inbound = planProxy(snapshot, { identity, pod: { namespace, name } })?.inbound ?? [];
  if (inbound.length === 0) throw new CliError(`no Service selects pod ${namespace}/${name}: nobody can call it`);
  const rows = inbound.flatMap((port) =>
    grants(port, source).map((grant) => [
      `${port.service.namespace}/${port.service.name}`,
      String(port.port),
      port.protocol,
      ...grant,
    ]),
  );
  const accounts = `(service accounts ${source.identity.namespace}/${source.identity.serviceAccount} and ${identity.namespace}/${identity.serviceAccount})`;
  if (rows.length === 0) {
    throw new CliError(
      `pod ${source.namespace}/${source.name} may not call pod ${namespace}/${name} ${accounts}: no TrafficTarget says so`,
    );
  }
  context.write(`pod ${source.namespace}/${source.name} may call pod ${namespace}/${name} ${accounts}\n\n`);
  context.write(table(['SERVICE', 'PORT', 'PROTOCOL', 'REQUESTS', 'BECAUSE OF'], rows));
}

const collect = (value: string, former: readonly string[]): readonly string[] => [...former, ...value.split(',')];

/** `osm policy`. */
export function policyCommand(context: CliContext): Command {
  const conflicts: Command = new Command('check-conflicts')
    .description('tell what of the objects of a kind is not in force, as it is wrong or another one says otherwise')
    .argument('<kind>', CONFLICTING.join(', '))
    .option('-n, --namespaces <namespace>', 'namespace of the objects (exactly one)', collect, [])
    .option('--mesh-name <name>', 'which mesh, where there are several', '')
    .action((kind: string) => checkConflicts(context, kind, conflicts.opts()));
  example(conflicts, 'osm policy check-conflicts IngressBackend --namespaces shop');
  const pods: Command = new Command('check-pods')
    .description('tell whether policies let one pod call another, and which')
    .argument('<source>', 'pod that calls, as namespace/name')
    .argument('<destination>', 'pod that is called, as namespace/name')
    .option('--mesh-name <name>', 'which mesh, where there are several', '')
    .action((from: string, to: string) => checkPods(context, from, to, pods.opts()));
  example(pods, 'osm policy check-pods shop/cart-7d9f shop/store-0');
  const command = new Command('policy')
    .description('look into policies')
    .addCommand(conflicts)
    .addCommand(pods)
    .addCommand(policyAuditCommand(context))
    .addCommand(policyPlaintextCommand(context));
  return example(command, 'osm policy check-pods shop/cart-7d9f shop/store-0');
}
