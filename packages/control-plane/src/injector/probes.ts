import { PORT } from '../surface.ts';
import { type Container, InjectionError, type Probe } from './pod.ts';

/** The three probes of a container. */
export type ProbeKind = 'liveness' | 'readiness' | 'startup';

/** What Envoy must offer so that the kubelet can reach a probe behind the proxy. Static, as the kubelet has no identity. */
export type ProbeListener =
  | {
      readonly mode: 'http';
      readonly kind: ProbeKind;
      readonly port: number;
      readonly routes: readonly ProbeRoute[];
    }
  | {
      readonly mode: 'tcp';
      readonly kind: ProbeKind;
      readonly port: number;
      readonly container: string;
      readonly targetPort: number;
    };

/** One container's path on an HTTP probe listener. */
export interface ProbeRoute {
  readonly container: string;
  /** Path the kubelet asks for. */
  readonly path: string;
  /** Path and port of the application. */
  readonly originalPath: string;
  readonly targetPort: number;
  readonly timeoutSeconds: number;
}

/** Containers with their probes rewritten, and what the proxy must serve for them. */
export interface RewrittenProbes {
  readonly containers: readonly Container[];
  readonly listeners: readonly ProbeListener[];
  /** A TCP probe exists, so the healthcheck container is needed. */
  readonly needsHealthcheck: boolean;
}

const KINDS: readonly { kind: ProbeKind; field: 'livenessProbe' | 'readinessProbe' | 'startupProbe'; port: number }[] =
  [
    { kind: 'liveness', field: 'livenessProbe', port: PORT.livenessProbe },
    { kind: 'readiness', field: 'readinessProbe', port: PORT.readinessProbe },
    { kind: 'startup', field: 'startupProbe', port: PORT.startupProbe },
  ];

function resolvePort(port: number | string, container: Container, field: string): number {
  const number = typeof port === 'number' ? port : Number(port);
  if (Number.isInteger(number) && number >= 1 && number <= 65535) return number;
  const named = container.ports?.find((entry) => entry.name === port);
  if (named !== undefined) return named.containerPort;
  throw new InjectionError(
    'E6108',
    `container ${container.name}: ${field} names port ${JSON.stringify(port)}, which the container does not declare`,
  );
}

const isHttp = (probe: Probe): boolean => (probe.httpGet?.scheme ?? 'HTTP').toUpperCase() === 'HTTP';

/** A probe of another host than the pod never meets the proxy. */
const leavesPod = (probe: Probe): boolean => (probe.httpGet?.host ?? '') !== '' || (probe.tcpSocket?.host ?? '') !== '';

/**
 * Rewrites the probes of every container so that they pass beside mTLS:
 * - HTTP: `/osm-<kind>-probe/<container>` on port 15901, 15902 or 15903, which Envoy rewrites to the original path;
 * - HTTPS and gRPC: only the port changes, to one that Envoy passes through as raw TCP;
 * - TCP: an HTTP request to the healthcheck container, which dials the port;
 * - exec: untouched.
 * Containers whose names are in `skip` (the mesh's own) are left as they are.
 */
export function rewriteProbes(containers: readonly Container[], skip: ReadonlySet<string>): RewrittenProbes {
  const routes = new Map<ProbeKind, ProbeRoute[]>();
  const raw: Extract<ProbeListener, { mode: 'tcp' }>[] = [];
  // A kind's well-known port serves HTTP when any container has such a probe; raw listeners of that kind go elsewhere.
  const wellKnownTaken = new Set<number>();
  for (const { field, port } of KINDS) {
    const http = containers.some((c) => {
      const probe = skip.has(c.name) ? undefined : c[field];
      return probe?.httpGet !== undefined && isHttp(probe) && !leavesPod(probe);
    });
    if (http) wellKnownTaken.add(port);
  }
  let nextRaw = PORT.rawProbeFirst as number;
  const rawPort = (wellKnown: number): number => {
    if (!wellKnownTaken.has(wellKnown)) {
      wellKnownTaken.add(wellKnown);
      return wellKnown;
    }
    if (nextRaw > PORT.rawProbeLast) {
      throw new InjectionError('E6108', 'the pod has more HTTPS and gRPC probes than the proxy can pass through');
    }
    return nextRaw++;
  };
  let needsHealthcheck = false;

  const rewritten = containers.map((container) => {
    if (skip.has(container.name)) return container;
    const changes: Partial<Record<'livenessProbe' | 'readinessProbe' | 'startupProbe', Probe>> = {};
    for (const { kind, field, port } of KINDS) {
      const probe = container[field];
      if (probe === undefined || leavesPod(probe)) continue;
      const timeoutSeconds = Math.max(probe.timeoutSeconds ?? 1, 1);
      if (probe.httpGet !== undefined) {
        const targetPort = resolvePort(probe.httpGet.port, container, field);
        if (isHttp(probe)) {
          const path = `/osm-${kind}-probe/${container.name}`;
          const original = probe.httpGet.path ?? '/';
          const originalPath = original.startsWith('/') ? original : `/${original}`;
          const list = routes.get(kind) ?? [];
          list.push({ container: container.name, path, originalPath, targetPort, timeoutSeconds });
          routes.set(kind, list);
          changes[field] = { ...probe, httpGet: { ...probe.httpGet, path, port } };
        } else {
          const listener = rawPort(port);
          raw.push({ mode: 'tcp', kind, port: listener, container: container.name, targetPort });
          changes[field] = { ...probe, httpGet: { ...probe.httpGet, port: listener } };
        }
      } else if (probe.grpc !== undefined) {
        const listener = rawPort(port);
        raw.push({ mode: 'tcp', kind, port: listener, container: container.name, targetPort: probe.grpc.port });
        changes[field] = { ...probe, grpc: { ...probe.grpc, port: listener } };
      } else if (probe.tcpSocket !== undefined) {
        const targetPort = resolvePort(probe.tcpSocket.port, container, field);
        needsHealthcheck = true;
        const { tcpSocket: _replaced, ...rest } = probe;
        changes[field] = {
          ...rest,
          httpGet: {
            path: '/osm-healthcheck',
            port: PORT.healthcheck,
            httpHeaders: [{ name: 'Original-Tcp-Port', value: String(targetPort) }],
          },
        };
      }
    }
    return Object.keys(changes).length === 0 ? container : { ...container, ...changes };
  });

  const http = KINDS.flatMap(({ kind, port }): ProbeListener[] => {
    const list = routes.get(kind);
    return list === undefined ? [] : [{ mode: 'http', kind, port, routes: list }];
  });
  return { containers: rewritten, listeners: [...http, ...raw], needsHealthcheck };
}
