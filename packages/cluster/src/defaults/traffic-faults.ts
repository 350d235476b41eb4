import { isIP } from 'node:net';
import { invalid, join, notSupported, required } from '../schema/fault.ts';
import { isCidr } from '../schema/formats.ts';
import { dns1035Label, dnsSubdomain, portName, qualifiedName } from '../schema/names.ts';
import { at, isRecord, list, record, text } from '../store/fields.ts';
import {
  eachItem,
  type Faults,
  immutable,
  NONE,
  named,
  needed,
  neededName,
  oneOf,
  portNumber,
  portReference,
  present,
  setFields,
} from './check.ts';
import { selectorFaults } from './selector-faults.ts';

const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix'];

const servicePort = (port: unknown, path: string): Faults => {
  const given = setFields(port, ['name', 'number']);
  if (given.length === 0) return [required(path, 'port name or number is required')];
  if (given.length > 1) return [invalid(path, port, 'cannot set both port name & port number')];
  const { name, number } = record(port);
  return [...named(join(path, 'name'), name, portName), ...portNumber(join(path, 'number'), number)];
};

const backendFaults = (backend: unknown, path: string): Faults => {
  const given = setFields(backend, ['service', 'resource']);
  if (given.length > 1) return [invalid(path, '', 'cannot set both resource and service backends')];
  if (given.length === 0) return [required(path, 'resource or service backend is required')];
  return present(join(path, 'service'), at(backend, 'service'), ({ name, port }, here) => [
    ...neededName(join(here, 'name'), name, dns1035Label),
    ...servicePort(port, join(here, 'port')),
  ]);
};

const pathFaults = (value: unknown, path: string): Faults => {
  const { path: place, pathType, backend } = record(value);
  const given = text(place);
  const type = text(pathType);
  const absolute = type === 'Exact' || type === 'Prefix';
  return [
    ...(type === ''
      ? [required(join(path, 'pathType'), 'pathType must be specified')]
      : oneOf(join(path, 'pathType'), type, PATH_TYPES)),
    ...((absolute || given !== '') && !given.startsWith('/')
      ? [invalid(join(path, 'path'), given, 'must be an absolute path')]
      : NONE),
    ...(absolute && /\/\/|\/\.\.?(\/|$)/.test(given)
      ? [invalid(join(path, 'path'), given, "must not contain '//', '/./' or '/../'")]
      : NONE),
    ...backendFaults(backend, join(path, 'backend')),
  ];
};

const hostFaults = (path: string, host: unknown): Faults => {
  const given = text(host);
  if (given === '') return NONE;
  if (isIP(given) !== 0) return [invalid(path, given, 'must be a DNS name, not an IP address')];
  return named(path, given.startsWith('*.') ? given.slice(2) : given, dnsSubdomain);
};

/** What is wrong with a networking.k8s.io/v1 Ingress. */
export const ingressFaults = (object: unknown): Faults => {
  const { rules, defaultBackend, ingressClassName, tls } = record(at(object, 'spec'));
  return [
    ...(list(rules).length === 0 && !isRecord(defaultBackend)
      ? [invalid('spec', [], 'either `defaultBackend` or `rules` must be specified')]
      : NONE),
    ...(isRecord(defaultBackend) ? backendFaults(defaultBackend, 'spec.defaultBackend') : NONE),
    ...eachItem('spec.rules', rules, (rule, path) => [
      ...hostFaults(join(path, 'host'), at(rule, 'host')),
      ...present(join(path, 'http'), at(rule, 'http'), ({ paths }, here) => [
        ...needed(join(here, 'paths'), paths),
        ...eachItem(join(here, 'paths'), paths, pathFaults),
      ]),
    ]),
    ...eachItem('spec.tls', tls, (entry, path) =>
      eachItem(join(path, 'hosts'), at(entry, 'hosts'), (host, here) => hostFaults(here, host)),
    ),
    ...named('spec.ingressClassName', ingressClassName, dnsSubdomain),
  ];
};

/** What is wrong with a networking.k8s.io/v1 IngressClass. */
export const ingressClassFaults = (object: unknown, old?: unknown): Faults => {
  const controller = at(object, 'spec', 'controller');
  const given = text(controller);
  return [
    ...(given === '' ? [required('spec.controller')] : NONE),
    ...(given !== '' && !given.includes('/')
      ? [invalid('spec.controller', given, 'must be a domain-prefixed path (such as "acme.io/foo")')]
      : named('spec.controller', given, (value) => qualifiedName(value.split('/').slice(0, 2).join('/')))),
    ...(old === undefined ? NONE : immutable('spec.controller', controller, at(old, 'spec', 'controller'))),
  ];
};

const blockFaults = ({ cidr, except }: Readonly<Record<string, unknown>>, path: string): Faults => [
  ...(text(cidr) === ''
    ? [required(join(path, 'cidr'))]
    : isCidr(text(cidr))
      ? NONE
      : [invalid(join(path, 'cidr'), cidr, 'must be a valid CIDR block')]),
  ...eachItem(join(path, 'except'), except, (range, here) =>
    isCidr(text(range)) ? NONE : [invalid(here, range, 'must be a valid CIDR block')],
  ),
];

const peerFaults = (peer: unknown, path: string): Faults => {
  const given = setFields(peer, ['podSelector', 'namespaceSelector', 'ipBlock']);
  if (given.length === 0) return [required(path, 'must specify a peer')];
  if (given.includes('ipBlock') && given.length > 1)
    return [invalid(path, peer, 'may not specify both ipBlock and another peer')];
  const { podSelector, namespaceSelector, ipBlock } = record(peer);
  return [
    ...selectorFaults(join(path, 'podSelector'), podSelector),
    ...selectorFaults(join(path, 'namespaceSelector'), namespaceSelector),
    ...present(join(path, 'ipBlock'), ipBlock, blockFaults),
  ];
};

const policyPort = (port: unknown, path: string): Faults => {
  const { protocol, port: number, endPort } = record(port);
  return [
    ...oneOf(join(path, 'protocol'), protocol, ['TCP', 'UDP', 'SCTP']),
    ...portReference(join(path, 'port'), number),
    ...portNumber(join(path, 'endPort'), endPort),
    ...(typeof endPort === 'number' && typeof number !== 'number'
      ? [required(join(path, 'port'), 'must be specified as a number when `endPort` is specified')]
      : NONE),
    ...(typeof endPort === 'number' && typeof number === 'number' && endPort < number
      ? [invalid(join(path, 'endPort'), endPort, 'must be greater than or equal to `port`')]
      : NONE),
  ];
};

/** What is wrong with a networking.k8s.io/v1 NetworkPolicy. */
export const networkPolicyFaults = (object: unknown): Faults => {
  const { podSelector, ingress, egress, policyTypes } = record(at(object, 'spec'));
  const rules = (path: string, values: unknown, peers: string): Faults =>
    eachItem(path, values, (rule, here) => [
      ...eachItem(join(here, 'ports'), at(rule, 'ports'), policyPort),
      ...eachItem(join(here, peers), at(rule, peers), peerFaults),
    ]);
  return [
    ...selectorFaults('spec.podSelector', podSelector),
    ...rules('spec.ingress', ingress, 'from'),
    ...rules('spec.egress', egress, 'to'),
    ...eachItem('spec.policyTypes', policyTypes, (type, path) =>
      type === 'Ingress' || type === 'Egress' ? NONE : [notSupported(path, type, ['Ingress', 'Egress'])],
    ),
  ];
};
