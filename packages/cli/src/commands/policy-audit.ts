import { planProxy, type Snapshot, type Workload } from '@osm/core';
import { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { type CliContext, example } from '../context.ts';
import { readMesh } from '../mesh-snapshot.ts';
import { chooseMesh, listMeshes } from '../meshes.ts';
import { COUNTS_FILTER, type PortCounts, readCounts } from '../proxy-counts.ts';
import { table } from '../table.ts';

interface Options {
  readonly meshName: string;
  readonly namespaces: readonly string[];
}

/** A pod with a sidecar, and what that counted. */
interface Counted {
  readonly pod: string;
  readonly counts: readonly PortCounts[];
}

/** Sidecars that are asked at a time. */
const AT_ONCE = 8;

const podOf = ({ namespace, name }: Workload): string => `${namespace}/${name}`;

async function snapshotOf(context: CliContext, meshName: string): Promise<Snapshot> {
  const client = context.connect();
  try {
    return await readMesh(client, chooseMesh(await listMeshes(client), meshName));
  } finally {
    client.close();
  }
}

/** Asks the sidecars of some pods. Who does not answer is named in a note, and left out. */
async function ask(context: CliContext, workloads: readonly Workload[]): Promise<readonly Counted[]> {
  const counted: Counted[] = [];
  const waiting = [...workloads];
  const path = `/stats?filter=${encodeURIComponent(COUNTS_FILTER)}`;
  const asker = async (): Promise<void> => {
    for (let workload = waiting.shift(); workload !== undefined; workload = waiting.shift()) {
      try {
        counted.push({ pod: podOf(workload), counts: readCounts(await context.askProxy(workload, path)) });
      } catch (error) {
        context.note(`${podOf(workload)} is left out: ${(error as Error).message}\n`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, asker));
  if (counted.length === 0 && workloads.length > 0) throw new CliError('no sidecar could be asked');
  return counted.sort((a, b) => (a.pod < b.pod ? -1 : 1));
}

/** Ports of a pod for which something holds in its proxy's plan, as `<namespace>/<service> <port>`. */
function portsWhere(snapshot: Snapshot, { identity, namespace, name }: Workload, holds: 'audit' | 'plaintext') {
  const inbound = planProxy(snapshot, { identity, pod: { namespace, name } })?.inbound ?? [];
  return new Set(
    inbound
      .filter((each) => each[holds] !== undefined)
      .map(({ service, targetPort }) => `${service.namespace}/${service.name} ${targetPort}`),
  );
}

/** The pods of the mesh that serve such a port, with what was counted on it. */
async function countsWhere(context: CliContext, options: Options, holds: 'audit' | 'plaintext') {
  const snapshot = await snapshotOf(context, options.meshName);
  const wanted = options.namespaces;
  for (const namespace of wanted) {
    if (!snapshot.namespaces.has(namespace)) throw new CliError(`namespace ${namespace} takes no part in the mesh`);
  }
  const ports = new Map<string, ReadonlySet<string>>();
  const workloads = [...snapshot.workloads.values()].filter((workload) => {
    if (workload.proxyUuid === undefined || (wanted.length > 0 && !wanted.includes(workload.namespace))) return false;
    const own = portsWhere(snapshot, workload, holds);
    ports.set(podOf(workload), own);
    return own.size > 0;
  });
  const counted = await ask(context, workloads);
  return counted.map(({ pod, counts }) => ({
    pod,
    ports: [...(ports.get(pod) ?? [])].sort().map((port) => {
      const found = counts.find((each) => `${each.service} ${each.port}` === port);
      const [service = '', number = ''] = port.split(' ');
      return found ?? { service, port: Number(number), wouldAllow: 0, wouldDeny: 0, mtls: 0, plaintext: 0 };
    }),
  }));
}

const sum = (counts: readonly { readonly ports: readonly PortCounts[] }[], of: 'wouldDeny' | 'plaintext'): number =>
  counts.flatMap(({ ports }) => ports).reduce((total, port) => total + port[of], 0);

async function audit(context: CliContext, options: Options): Promise<void> {
  const counts = await countsWhere(context, options, 'audit');
  if (counts.length === 0) {
    context.write('nothing is audited\n');
    return;
  }
  const rows = counts.flatMap(({ pod, ports }) =>
    ports.map((port) => [pod, port.service, String(port.port), String(port.wouldAllow), String(port.wouldDeny)]),
  );
  context.write(table(['POD', 'SERVICE', 'PORT', 'WOULD ALLOW', 'WOULD DENY'], rows));
  const denied = sum(counts, 'wouldDeny');
  const verdict = denied === 0 ? 'nothing so far would be refused' : `${denied} would be refused`;
  context.write(`\nof what came since the sidecars started, ${verdict} once the audit ends\n`);
}

async function plaintext(context: CliContext, options: Options): Promise<void> {
  const counts = await countsWhere(context, options, 'plaintext');
  if (counts.length === 0) {
    context.write('plaintext is let in nowhere\n');
    return;
  }
  const rows = counts.flatMap(({ pod, ports }) =>
    ports.map((port) => [pod, port.service, String(port.port), String(port.plaintext), String(port.mtls)]),
  );
  context.write(table(['POD', 'SERVICE', 'PORT', 'PLAINTEXT', 'MTLS'], rows));
  const came = sum(counts, 'plaintext');
  const verdict = came === 0 ? 'nothing came in plaintext' : `${came} came in plaintext`;
  context.write(`\nsince the sidecars started, ${verdict}\n`);
}

const collect = (value: string, former: readonly string[]): readonly string[] => [...former, ...value.split(',')];

/** `osm policy audit`: what policies that are audited would refuse. */
export function policyAuditCommand(context: CliContext): Command {
  const command: Command = new Command('audit')
    .description('count what policies that are audited would refuse, by asking the sidecars')
    .option('-n, --namespaces <namespace>', 'namespaces of the pods; all of the mesh unless given', collect, [])
    .option('--mesh-name <name>', 'which mesh, where there are several', '')
    .action(() => audit(context, command.opts()));
  return example(command, 'osm policy audit --namespaces shop');
}

/** `osm policy plaintext`: what still comes without mutual TLS where that is let in. */
export function policyPlaintextCommand(context: CliContext): Command {
  const command: Command = new Command('plaintext')
    .description('count what comes in plaintext where that is let in for a time, by asking the sidecars')
    .option('-n, --namespaces <namespace>', 'namespaces of the pods; all of the mesh unless given', collect, [])
    .option('--mesh-name <name>', 'which mesh, where there are several', '')
    .action(() => plaintext(context, command.opts()));
  return example(command, 'osm policy plaintext --namespaces shop');
}
