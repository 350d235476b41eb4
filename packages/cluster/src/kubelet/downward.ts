import { ContainerConfigError } from './capabilities.ts';
import { allContainers, type Container, type Pod, type ResourceFieldSelector } from './pod.ts';
import { parseQuantity } from './quantity.ts';

/** What the node adds to a pod's own fields. */
export interface NodeView {
  readonly hostIP: string;
  readonly podIP: string;
  readonly cpus: number;
  readonly memoryBytes: number;
}

/**
 * The value of a downward-API field (Kubernetes docs, "Downward API"): as a string for an environment variable, as the
 * file text for a volume. Throws {@link ContainerConfigError} for a field it cannot give.
 */
export function fieldValue(pod: Pod, fieldPath: string, node: NodeView): string {
  const { metadata, spec } = pod;
  const subscript = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(fieldPath);
  if (subscript) return metadata[subscript[1] as 'labels' | 'annotations']?.[subscript[2] ?? ''] ?? '';
  switch (fieldPath) {
    case 'metadata.name':
      return metadata.name;
    case 'metadata.namespace':
      return metadata.namespace ?? 'default';
    case 'metadata.uid':
      return metadata.uid ?? '';
    case 'metadata.labels':
      return quotedLines(metadata.labels);
    case 'metadata.annotations':
      return quotedLines(metadata.annotations);
    case 'spec.nodeName':
      return spec.nodeName ?? '';
    case 'spec.serviceAccountName':
      return spec.serviceAccountName ?? 'default';
    case 'status.hostIP':
    case 'status.hostIPs':
      return node.hostIP;
    case 'status.podIP':
    case 'status.podIPs':
      return node.podIP;
    default:
      throw new ContainerConfigError(`field path ${JSON.stringify(fieldPath)} is not one the downward API gives`);
  }
}

/** The value of a container's resource, divided and rounded up. An unset limit is the node's own capacity. */
export function resourceValue(
  pod: Pod,
  own: Container | undefined,
  selector: ResourceFieldSelector,
  node: NodeView,
): string {
  const name = selector.containerName ?? own?.name;
  const container = allContainers(pod).find((c) => c.name === name);
  if (!container)
    throw new ContainerConfigError(
      `resourceFieldRef names container ${JSON.stringify(name)}, which the pod does not have`,
    );
  const [kind = '', ...rest] = selector.resource.split('.');
  const resource = rest.join('.');
  if (kind !== 'limits' && kind !== 'requests') {
    throw new ContainerConfigError(`resource ${JSON.stringify(selector.resource)} is neither limits.… nor requests.…`);
  }
  const limit = container.resources?.limits?.[resource];
  const set = kind === 'limits' ? limit : (container.resources?.requests?.[resource] ?? limit);
  const capacity: Readonly<Record<string, number>> = { cpu: node.cpus, memory: node.memoryBytes };
  const value = set === undefined ? (kind === 'limits' ? (capacity[resource] ?? 0) : 0) : parseQuantity(set);
  const wanted = selector.divisor === undefined ? 1 : parseQuantity(selector.divisor);
  const divisor = wanted === 0 ? 1 : wanted;
  if (value === undefined || divisor === undefined) {
    throw new ContainerConfigError(`resource ${selector.resource} of container ${name} is not a quantity`);
  }
  // The small number absorbs binary rounding (0.3 / 0.1), which would otherwise count as one more.
  return String(Math.ceil(value / divisor - 1e-9));
}

/** `key="value"` lines in key order, as the kubelet writes label and annotation files. */
function quotedLines(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}
