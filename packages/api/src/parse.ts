import type { z } from 'zod';
import { meshConfig } from './config/mesh-config.ts';
import { meshRootCertificate } from './config/mesh-root-certificate.ts';
import { type Kind, type Parsed, parseSpec } from './kind.ts';
import { egress } from './policy/egress.ts';
import { ingressBackend } from './policy/ingress-backend.ts';
import { retry } from './policy/retry.ts';
import { upstreamTrafficSetting } from './policy/upstream-traffic-setting.ts';
import { httpRouteGroup } from './smi/http-route-group.ts';
import { tcpRoute } from './smi/tcp-route.ts';
import { trafficSplit } from './smi/traffic-split.ts';
import { trafficTarget } from './smi/traffic-target.ts';

/** Every kind of the mesh's API. */
export const KINDS: readonly Kind[] = Object.freeze([
  meshConfig,
  meshRootCertificate,
  egress,
  ingressBackend,
  retry,
  upstreamTrafficSetting,
  httpRouteGroup,
  tcpRoute,
  trafficTarget,
  trafficSplit,
]);

type Parser<Spec extends z.ZodType> = (object: { readonly spec?: unknown }) => Parsed<z.output<Spec>>;
const parser =
  <Spec extends z.ZodType>(kind: Kind<Spec>): Parser<Spec> =>
  (object) =>
    parseSpec(kind, object);

/** Reads a MeshConfig; what is absent has its default. */
export const parseMeshConfig = parser(meshConfig);
/** Reads a MeshRootCertificate. */
export const parseMeshRootCertificate = parser(meshRootCertificate);
/** Reads an Egress. */
export const parseEgress = parser(egress);
/** Reads an IngressBackend. */
export const parseIngressBackend = parser(ingressBackend);
/** Reads a Retry. */
export const parseRetry = parser(retry);
/** Reads an UpstreamTrafficSetting. */
export const parseUpstreamTrafficSetting = parser(upstreamTrafficSetting);
/** Reads an HTTPRouteGroup. */
export const parseHTTPRouteGroup = parser(httpRouteGroup);
/** Reads a TCPRoute. */
export const parseTCPRoute = parser(tcpRoute);
/** Reads a TrafficTarget. */
export const parseTrafficTarget = parser(trafficTarget);
/** Reads a TrafficSplit. */
export const parseTrafficSplit = parser(trafficSplit);
