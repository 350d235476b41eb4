import type { KubeObject } from '@osm/kube';
import { at, list, number, text, texts } from '../store/fields.ts';
import type { PrinterColumn } from '../types.ts';
import { AGE, column, labelsText, NAME, orNone, selectorText, wide } from './column.ts';

const externalAddress = (service: KubeObject): string => {
  const external = texts(at(service, 'spec', 'externalIPs'));
  const type = text(at(service, 'spec', 'type'));
  if (type === 'ExternalName') return text(at(service, 'spec', 'externalName'));
  if (type !== 'LoadBalancer') return orNone(external.join(','));
  const ingress = list(at(service, 'status', 'loadBalancer', 'ingress')).map(
    (point) => text(at(point, 'ip')) || text(at(point, 'hostname')),
  );
  const all = [...ingress, ...external];
  return all.length === 0 ? '<pending>' : all.join(',');
};

const servicePorts = (service: KubeObject): string =>
  orNone(
    list(at(service, 'spec', 'ports'))
      .map((port) => {
        const nodePort = number(at(port, 'nodePort'));
        const number_ = nodePort === 0 ? `${at(port, 'port')}` : `${at(port, 'port')}:${nodePort}`;
        return `${number_}/${text(at(port, 'protocol')) || 'TCP'}`;
      })
      .join(','),
  );

/** The columns of `kubectl get services`. */
export const SERVICE_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Type', (object) => text(at(object, 'spec', 'type'))),
  column('Cluster-IP', (object) => orNone(text(at(object, 'spec', 'clusterIP')))),
  column('External-IP', externalAddress),
  column('Port(s)', servicePorts),
  AGE,
  wide('Selector', (object) => labelsText(at(object, 'spec', 'selector'))),
];

const SHOWN = 3;

const few = (items: readonly string[], nothing: string): string => {
  if (items.length === 0) return nothing;
  const rest = items.length - SHOWN;
  return rest > 0 ? `${items.slice(0, SHOWN).join(',')} + ${rest} more...` : items.join(',');
};

const endpointAddresses = (object: KubeObject): string => {
  const addresses = list(object.subsets).flatMap((subset) => {
    const ports = list(at(subset, 'ports'));
    const ips = list(at(subset, 'addresses')).map((address) => text(at(address, 'ip')));
    return ports.length === 0 ? ips : ports.flatMap((port) => ips.map((ip) => `${ip}:${at(port, 'port')}`));
  });
  return few(addresses, '<none>');
};

/** The columns of `kubectl get endpoints`. */
export const ENDPOINTS_COLUMNS: readonly PrinterColumn[] = [NAME, column('Endpoints', endpointAddresses), AGE];

/** The columns of `kubectl get endpointslices`. */
export const ENDPOINT_SLICE_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('AddressType', (object) => text(object.addressType)),
  column('Ports', (object) =>
    few(
      list(object.ports).map((port) => String(at(port, 'port') ?? '<unset>')),
      '<unset>',
    ),
  ),
  column('Endpoints', (object) =>
    few(
      list(object.endpoints).flatMap((endpoint) => texts(at(endpoint, 'addresses'))),
      '<unset>',
    ),
  ),
  AGE,
];

/** The columns of `kubectl get ingresses`. */
export const INGRESS_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Class', (object) => orNone(text(at(object, 'spec', 'ingressClassName')))),
  column('Hosts', (object) => {
    const hosts = list(at(object, 'spec', 'rules'))
      .map((rule) => text(at(rule, 'host')))
      .filter((host) => host !== '');
    return hosts.length === 0 ? '*' : few(hosts, '*');
  }),
  column('Address', (object) =>
    list(at(object, 'status', 'loadBalancer', 'ingress'))
      .map((point) => text(at(point, 'ip')) || text(at(point, 'hostname')))
      .join(','),
  ),
  column('Ports', (object) => (list(at(object, 'spec', 'tls')).length > 0 ? '80, 443' : '80')),
  AGE,
];

/** The columns of `kubectl get ingressclasses`. */
export const INGRESS_CLASS_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Controller', (object) => text(at(object, 'spec', 'controller'))),
  column('Parameters', (object) => {
    const parameters = at(object, 'spec', 'parameters');
    if (parameters === undefined) return '<none>';
    const group = text(at(parameters, 'apiGroup'));
    return `${text(at(parameters, 'kind'))}${group === '' ? '' : `.${group}`}/${text(at(parameters, 'name'))}`;
  }),
  AGE,
];

/** The columns of `kubectl get networkpolicies`. */
export const NETWORK_POLICY_COLUMNS: readonly PrinterColumn[] = [
  NAME,
  column('Pod-Selector', (object) => selectorText(at(object, 'spec', 'podSelector'))),
  AGE,
];
