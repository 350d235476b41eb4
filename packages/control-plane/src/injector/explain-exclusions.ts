import { ANNOTATION, CONTAINER, PORT } from '../surface.ts';
import type { Pod } from './pod.ts';
import { readSidecarSettings, type SidecarSettings } from './settings.ts';

/** Something that a pod's redirection treats apart, and why. */
export interface ExplainedExclusion {
  readonly direction: 'inbound' | 'outbound';
  /** `excluded` passes by the proxy. Where something is `included`, nothing else of that direction is captured. */
  readonly effect: 'excluded' | 'included';
  /** `port 3306`, `10.0.0.0/8`, `10.0.0.1/32 port 6443`, `interface eth1`. */
  readonly what: string;
  /** Who asks for it, in words; several may. */
  readonly why: readonly string[];
}

/** What is captured of a pod, from the rules that its init container set. */
export interface ExclusionReport {
  readonly inForce: readonly ExplainedExclusion[];
  /** Asked for now by MeshConfig or annotations, and not in the rules: they were made before. */
  readonly notInForce: readonly ExplainedExclusion[];
}

type Entry = Omit<ExplainedExclusion, 'why'>;
const keyOf = ({ direction, effect, what }: Entry): string => `${direction} ${effect} ${what}`;

const listOf = (text: string | undefined): readonly string[] =>
  (text ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');

/** What one line of the rules treats apart; nothing for lines that redirect, or that keep the proxy from itself. */
function entriesOf(line: string): readonly Entry[] {
  const [, chain, match = '', target] =
    /^-A OSM_PROXY_(INBOUND|OUTBOUND) (.*) -j (RETURN|OSM_PROXY_OUT_REDIRECT)$/.exec(line) ?? [];
  if (chain === undefined || match.includes('--uid-owner')) return [];
  const direction = chain === 'INBOUND' ? 'inbound' : 'outbound';
  const effect = target === 'RETURN' ? 'excluded' : 'included';
  const [, device] = /^-[io] (\S+)$/.exec(match) ?? [];
  if (device !== undefined) return [{ direction, effect, what: `interface ${device}` }];
  const [, ports] = /--dports (\S+)$/.exec(match) ?? [];
  if (ports !== undefined) return listOf(ports).map((port) => ({ direction, effect, what: `port ${port}` }));
  const [, range, port] = /^-d (\S+)(?: -p tcp --dport (\d+))?$/.exec(match) ?? [];
  if (range === undefined) return [];
  return [{ direction, effect, what: port === undefined ? range : `${range} port ${port}` }];
}

/** Ports on which the proxy itself answers, for Prometheus and the kubelet. */
const OWN_PORTS: Readonly<Record<number, string>> = {
  [PORT.proxyMetrics]: 'metrics of the proxy',
  [PORT.livenessProbe]: 'liveness probes',
  [PORT.readinessProbe]: 'readiness probes',
  [PORT.startupProbe]: 'startup probes',
  [PORT.healthcheck]: 'TCP probes',
  [PORT.proxyReady]: 'readiness of the proxy',
};

function ownReason({ direction, what }: Entry): string | undefined {
  if (what === '127.0.0.1/32') return 'loopback: containers of one pod talk without the proxy';
  const port = Number(/^port (\d+)$/.exec(what)?.[1] ?? 0);
  if (direction !== 'inbound') return undefined;
  if (port >= PORT.rawProbeFirst && port <= PORT.rawProbeLast) return 'further probes of the kubelet';
  return OWN_PORTS[port];
}

interface Wish extends Entry {
  readonly why: string;
}

const isV6 = (range: string): boolean => range.includes(':');

/** Everything that MeshConfig and the pod's annotations ask for now. */
function wishesOf(pod: Pod, settings: SidecarSettings): readonly Wish[] {
  const annotations = pod.metadata.annotations ?? {};
  const wishes: Wish[] = [];
  const want = (
    direction: Wish['direction'],
    effect: Wish['effect'],
    annotation: string | undefined,
    field: keyof SidecarSettings & `${string}List`,
    spell: (word: string) => string = (word) => word,
  ): void => {
    const own = annotation === undefined ? [] : listOf(annotations[annotation]);
    for (const word of own) wishes.push({ direction, effect, what: spell(word), why: `annotation ${annotation}` });
    for (const word of settings[field]) {
      wishes.push({ direction, effect, what: spell(String(word)), why: `MeshConfig spec.traffic.${field}` });
    }
  };
  const port = (word: string): string => `port ${Number(word)}`;
  const device = (word: string): string => `interface ${word}`;
  want('inbound', 'excluded', undefined, 'networkInterfaceExclusionList', device);
  want('inbound', 'excluded', ANNOTATION.inboundPortExclusions, 'inboundPortExclusionList', port);
  want('outbound', 'excluded', undefined, 'networkInterfaceExclusionList', device);
  for (const word of listOf(annotations[ANNOTATION.infrastructureExclusions])) {
    const [, profile, range = '', only] = /^([^=]+)=([^/]+\/\d+)(?::(\d+))?$/.exec(word) ?? [];
    const what = only === undefined ? range : `${range} port ${only}`;
    if (profile !== undefined)
      wishes.push({ direction: 'outbound', effect: 'excluded', what, why: `infrastructure profile ${profile}` });
  }
  want('outbound', 'excluded', ANNOTATION.outboundIPRangeExclusions, 'outboundIPRangeExclusionList');
  want('outbound', 'excluded', ANNOTATION.outboundPortExclusions, 'outboundPortExclusionList', port);
  want('outbound', 'included', ANNOTATION.outboundIPRangeInclusions, 'outboundIPRangeInclusionList');
  // The redirection knows IPv4 only, so a range of IPv6 passes by the proxy in any case.
  return wishes.filter(({ what }) => !isV6(what));
}

/** Adds each reason to what it is for. */
function gather(wishes: readonly Wish[]): ReadonlyMap<string, ExplainedExclusion> {
  const found = new Map<string, ExplainedExclusion>();
  for (const { why, ...entry } of wishes) {
    const known = found.get(keyOf(entry))?.why ?? [];
    found.set(keyOf(entry), { ...entry, why: [...new Set([...known, why])] });
  }
  return found;
}

/**
 * Explains what of a pod's TCP passes by its proxy: the rules in its init container tell what is in force, and
 * MeshConfig, its annotations and the mesh itself why. Undefined for a pod without a sidecar. `meshConfig` may be absent.
 */
export function explainExclusions(
  pod: Pod,
  meshConfig: Parameters<typeof readSidecarSettings>[0],
): ExclusionReport | undefined {
  const init = pod.spec.initContainers?.find(({ name }) => name === CONTAINER.init) as
    | { readonly args?: readonly string[] }
    | undefined;
  if (init === undefined) return undefined;
  const wishes = gather(wishesOf(pod, readSidecarSettings(meshConfig)));
  const inForce = new Map<string, ExplainedExclusion>();
  for (const entry of (init.args ?? []).flatMap((text) => text.split('\n')).flatMap(entriesOf)) {
    const own = ownReason(entry);
    const why = [...(own === undefined ? [] : [own]), ...(wishes.get(keyOf(entry))?.why ?? [])];
    const former = 'asked for when the pod was made, and no longer';
    inForce.set(keyOf(entry), { ...entry, why: why.length > 0 ? why : [former] });
  }
  return {
    inForce: [...inForce.values()],
    notInForce: [...wishes].filter(([key]) => !inForce.has(key)).map(([, wish]) => wish),
  };
}
