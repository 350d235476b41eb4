import { isIP } from 'node:net';
import { duplicate, forbidden, invalid, item, join, notSupported, required } from '../schema/fault.ts';
import { isCidr } from '../schema/formats.ts';
import { dnsLabel, dnsSubdomain, qualifiedName } from '../schema/names.ts';
import { at, list, record, text, texts } from '../store/fields.ts';
import {
  between,
  eachItem,
  type Faults,
  immutable,
  labelFaults,
  NONE,
  named,
  needed,
  neededName,
  oneOf,
  portNumber,
  portReference,
  unique,
} from './check.ts';

type Fields = Readonly<Record<string, unknown>>;

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];

const portFaults = (port: Fields, path: string, single: boolean, type: string): Faults => [
  ...(text(port.name) === ''
    ? single
      ? NONE
      : [required(join(path, 'name'))]
    : named(join(path, 'name'), port.name, dnsLabel)),
  ...(port.port === undefined ? [required(join(path, 'port'))] : portNumber(join(path, 'port'), port.port)),
  ...oneOf(join(path, 'protocol'), port.protocol, PROTOCOLS),
  ...portReference(join(path, 'targetPort'), port.targetPort),
  ...named(join(path, 'appProtocol'), port.appProtocol, qualifiedName),
  ...(typeof port.nodePort === 'number' && port.nodePort !== 0 && type !== 'NodePort' && type !== 'LoadBalancer'
    ? [forbidden(join(path, 'nodePort'), `may not be used when \`type\` is '${type}'`)]
    : NONE),
];

const portsFaults = (spec: Fields, headless: boolean): Faults => {
  const ports = list(spec.ports).map(record);
  const type = text(spec.type);
  if (ports.length === 0) return headless || type === 'ExternalName' ? NONE : [required('spec.ports')];
  const seen = new Set<string>();
  const repeated = ports.flatMap((port, index) => {
    const key = `${text(port.protocol)}/${String(port.port)}`;
    const again = seen.has(key);
    seen.add(key);
    return again ? [duplicate(item('spec.ports', index), { protocol: port.protocol, port: port.port })] : NONE;
  });
  return [
    ...ports.flatMap((port, index) => portFaults(port, item('spec.ports', index), ports.length === 1, type)),
    ...unique('spec.ports', ports, 'name'),
    ...repeated,
  ];
};

const addressFaults = (spec: Fields): Faults => {
  const type = text(spec.type);
  const address = text(spec.clusterIP);
  const all = texts(spec.clusterIPs);
  if (type === 'ExternalName')
    return [
      ...neededName('spec.externalName', text(spec.externalName).replace(/\.$/, ''), dnsSubdomain),
      ...(address === '' || address === 'None'
        ? NONE
        : [forbidden('spec.clusterIPs', "may not be set when `type` is 'ExternalName'")]),
    ];
  return [
    ...(address !== '' && address !== 'None' && isIP(address) === 0
      ? [invalid('spec.clusterIPs[0]', address, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')]
      : NONE),
    ...(all.length > 0 && all[0] !== address
      ? [invalid('spec.clusterIPs', all, 'first value must match `clusterIP`')]
      : NONE),
    ...(address === 'None' && type !== 'ClusterIP'
      ? [invalid('spec.clusterIPs[0]', address, `may not be set to 'None' for ${type} services`)]
      : NONE),
  ];
};

const trafficFaults = (spec: Fields): Faults => {
  const type = text(spec.type);
  const external = type === 'NodePort' || type === 'LoadBalancer' || texts(spec.externalIPs).length > 0;
  const policy = text(spec.externalTrafficPolicy);
  const affinity = at(spec, 'sessionAffinityConfig', 'clientIP', 'timeoutSeconds');
  return [
    ...oneOf('spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None']),
    ...(spec.sessionAffinity === 'None' && spec.sessionAffinityConfig !== undefined
      ? [forbidden('spec.sessionAffinityConfig', 'must not be set when session affinity is None')]
      : between('spec.sessionAffinityConfig.clientIP.timeoutSeconds', affinity, 1, 86_400)),
    ...oneOf('spec.internalTrafficPolicy', spec.internalTrafficPolicy, ['Cluster', 'Local']),
    ...(policy !== '' && !external
      ? [invalid('spec.externalTrafficPolicy', policy, 'may only be set for externally-accessible services')]
      : oneOf('spec.externalTrafficPolicy', policy, ['Cluster', 'Local'])),
    ...eachItem('spec.externalIPs', spec.externalIPs, (address, path) =>
      isIP(text(address)) === 0 ? [invalid(path, address, 'must be a valid IP address')] : NONE,
    ),
    ...eachItem('spec.loadBalancerSourceRanges', spec.loadBalancerSourceRanges, (range, path) =>
      isCidr(text(range).trim()) ? NONE : [invalid(path, range, 'must be a valid CIDR block')],
    ),
  ];
};

/** A ClusterIP stays with its service for as long as it has one. */
const updateFaults = (spec: Fields, old: unknown): Faults => {
  const before = record(at(old, 'spec'));
  if (before.type === 'ExternalName' || spec.type === 'ExternalName') return NONE;
  const [kept, wanted] = [text(before.clusterIP), text(spec.clusterIP)];
  if (kept === '' || kept === wanted) return NONE;
  return wanted === ''
    ? [invalid('spec.clusterIPs[0]', [], 'primary clusterIP can not be unset')]
    : immutable('spec.clusterIP', wanted, kept);
};

/** What is wrong with a v1 Service. */
export const serviceFaults = (object: unknown, old?: unknown): Faults => {
  const spec = record(at(object, 'spec'));
  const headless = spec.clusterIP === 'None';
  return [
    ...(TYPES.includes(text(spec.type)) ? NONE : [notSupported('spec.type', spec.type, TYPES)]),
    ...portsFaults(spec, headless),
    ...labelFaults('spec.selector', spec.selector),
    ...addressFaults(spec),
    ...trafficFaults(spec),
    ...(old === undefined ? NONE : updateFaults(spec, old)),
  ];
};

const endpointAddress = (address: unknown, path: string): Faults => {
  const { ip, hostname } = record(address);
  const given = text(ip);
  if (given === '') return [required(join(path, 'ip'))];
  if (isIP(given) === 0) return [invalid(join(path, 'ip'), ip, 'must be a valid IP address')];
  return [
    ...named(join(path, 'hostname'), hostname, dnsLabel),
    ...(/^(127\.|::1$)/.test(given)
      ? [invalid(join(path, 'ip'), ip, 'may not be in the loopback range (127.0.0.0/8, ::1/128)')]
      : NONE),
  ];
};

const endpointPorts = (ports: unknown, path: string, required_: boolean): Faults => [
  ...eachItem(path, ports, (port, here) => [
    ...(required_ ? needed(join(here, 'port'), at(port, 'port')) : NONE),
    ...portNumber(join(here, 'port'), at(port, 'port')),
    ...named(join(here, 'name'), at(port, 'name'), dnsLabel),
    ...oneOf(join(here, 'protocol'), at(port, 'protocol'), PROTOCOLS),
    ...named(join(here, 'appProtocol'), at(port, 'appProtocol'), qualifiedName),
  ]),
];

/** What is wrong with v1 Endpoints. */
export const endpointsFaults = (object: unknown): Faults =>
  eachItem('subsets', at(object, 'subsets'), (subset, path) => {
    const { addresses, notReadyAddresses, ports } = record(subset);
    return [
      ...(list(addresses).length + list(notReadyAddresses).length === 0
        ? [required(path, 'must specify `addresses` or `notReadyAddresses`')]
        : NONE),
      ...eachItem(join(path, 'addresses'), addresses, endpointAddress),
      ...eachItem(join(path, 'notReadyAddresses'), notReadyAddresses, endpointAddress),
      ...endpointPorts(ports, join(path, 'ports'), true),
    ];
  });

const ADDRESS_RULES: Readonly<Record<string, (address: string) => string>> = {
  IPv4: (address) => (isIP(address) === 4 ? '' : 'must be an IPv4 address'),
  IPv6: (address) => (isIP(address) === 6 ? '' : 'must be an IPv6 address'),
  FQDN: dnsSubdomain,
};

/** Endpoints of one slice, addresses of one endpoint, ports of one slice: at most. */
const SLICE = { endpoints: 1000, addresses: 100, ports: 20_000 } as const;

/** What is wrong with a discovery.k8s.io/v1 EndpointSlice. */
export const endpointSliceFaults = (object: unknown, old?: unknown): Faults => {
  const { addressType, endpoints, ports } = record(object);
  const rule = ADDRESS_RULES[text(addressType)];
  const tooManyItems = (path: string, values: unknown, most: number): Faults =>
    list(values).length > most ? [invalid(path, list(values).length, `must have at most ${most} items`)] : NONE;
  if (text(addressType) === '') return [required('addressType')];
  if (rule === undefined) return [notSupported('addressType', addressType, Object.keys(ADDRESS_RULES))];
  return [
    ...tooManyItems('endpoints', endpoints, SLICE.endpoints),
    ...eachItem('endpoints', endpoints, (endpoint, path) => {
      const { addresses, hostname } = record(endpoint);
      const here = join(path, 'addresses');
      return [
        ...(list(addresses).length === 0 ? [required(here, 'must contain at least 1 address')] : NONE),
        ...tooManyItems(here, addresses, SLICE.addresses),
        ...eachItem(here, addresses, (address, place) => named(place, address, rule)),
        ...named(join(path, 'hostname'), hostname, dnsLabel),
      ];
    }),
    ...tooManyItems('ports', ports, SLICE.ports),
    ...endpointPorts(ports, 'ports', false),
    ...unique('ports', list(ports), 'name'),
    ...(old === undefined ? NONE : immutable('addressType', addressType, at(old, 'addressType'))),
  ];
};
