import type { PolicyFault } from '@osm/core';

/** Which code of the catalogue says what a fault is; the first that fits counts. */
const CODES: readonly (readonly [code: string, kind: string, field: RegExp, message: RegExp])[] = [
  ['E2002', 'Egress', /^spec\.ipAddresses/, /./],
  ['E2004', 'Egress', /^spec\.matches/, /no HTTPRouteGroup/],
  ['E2003', 'Egress', /^spec\.matches/, /./],
  ['E2005', 'TrafficTarget', /^spec\.rules/, /no HTTPRouteGroup/],
  ['E2006', 'TrafficTarget', /^spec\.rules/, /no usable match/],
  ['E2010', 'TrafficTarget', /^spec\.destination\.kind/, /./],
  ['E2011', 'TrafficTarget', /^spec\.sources\[\d+\]\.kind/, /./],
  ['E2009', 'TrafficTarget', /./, /./],
  ['E2006', 'HTTPRouteGroup', /^spec\.matches/, /./],
  ['E2007', 'TrafficSplit', /^spec\.service/, /already splits/],
  ['E2008', 'TrafficSplit', /./, /./],
  ['E3000', 'IngressBackend', /./, /endpoints not found/],
  ['E4151', 'MeshConfig', /./, /./],
];

/** The error code that a fault is logged and counted by; undefined when none fits. */
export const faultCode = ({ object, field, message }: PolicyFault): string | undefined =>
  CODES.find(([, kind, fields, texts]) => kind === object.kind && fields.test(field) && texts.test(message))?.[0];
