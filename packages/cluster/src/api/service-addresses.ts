import type { KubeObject } from '@osm/kube';
import { at, list, number, text, texts } from '../store/fields.ts';
import type { Store } from '../store/index.ts';
import type { FieldFault } from '../types.ts';

const NODE_PORTS = { first: 30_000, last: 32_767 } as const;

const toNumber = (address: string): number | undefined => {
  const parts = address.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
};

const toAddress = (value: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');

/** A service with the addresses it was given, or why it cannot have those it asks for. */
export interface Allocation {
  readonly service: KubeObject;
  readonly faults: readonly FieldFault[];
}

/**
 * Gives services their ClusterIP and node ports. What is taken is read from the services in the store, so there is no
 * second record that could disagree. Node ports are numbers on record: the embedded cluster does not open them on the host.
 */
export class ServiceAddresses {
  readonly #store: Store;
  readonly #base: number;
  readonly #size: number;
  readonly #reserved: ReadonlySet<string>;
  #cursor: number;

  /** `cidr` is an IPv4 block; `reserved` addresses in it are given only to those who ask for them by number. */
  constructor(store: Store, cidr: string, reserved: readonly string[]) {
    const [address = '', bits = ''] = cidr.split('/');
    const base = toNumber(address);
    const length = Number(bits);
    if (base === undefined || !Number.isInteger(length) || length < 8 || length > 28)
      throw new Error(`service CIDR ${cidr}: must be an IPv4 block such as 198.18.0.0/16`);
    this.#store = store;
    this.#size = 2 ** (32 - length);
    this.#base = base - (base % this.#size);
    this.#reserved = new Set(reserved);
    // The first 256 stay free for services that name their address.
    this.#cursor = Math.min(256, Math.floor(this.#size / 2));
  }

  /** The `index`-th address of the block. */
  address(index: number): string {
    return toAddress(this.#base + index);
  }

  /** The service with every address and port its type calls for; `old` keeps what it has. */
  allocate(service: KubeObject, old?: KubeObject): Allocation {
    const type = text(at(service, 'spec', 'type')) || 'ClusterIP';
    if (type === 'ExternalName') return { service: withoutAddresses(service), faults: [] };
    const withAddress = this.#allocateAddress(service, old);
    if (withAddress.faults.length > 0) return withAddress;
    if (type === 'ClusterIP') return { service: withoutNodePorts(withAddress.service), faults: [] };
    return this.#allocateNodePorts(withAddress.service, old);
  }

  #allocateAddress(service: KubeObject, old?: KubeObject): Allocation {
    const spec = service.spec as Record<string, unknown>;
    const kept = text(at(old, 'spec', 'clusterIP'));
    const asked = text(spec.clusterIP) || texts(spec.clusterIPs)[0] || kept;
    const give = (address: string): Allocation => ({
      service: {
        ...service,
        spec: {
          ...spec,
          clusterIP: address,
          clusterIPs: [address],
          ipFamilies: ['IPv4'],
          ipFamilyPolicy: 'SingleStack',
        },
      },
      faults: [],
    });
    if (asked === 'None' || (asked !== '' && asked === kept)) return give(asked);
    const used = this.#usedAddresses();
    if (asked === '') return give(this.#freeAddress(used));
    const refuse = (why: string): Allocation => ({
      service,
      faults: [
        {
          path: 'spec.clusterIPs',
          reason: 'FieldValueInvalid',
          message: `Invalid value: ["${asked}"]: failed to allocate IP ${asked}: ${why}`,
        },
      ],
    });
    const value = toNumber(asked);
    if (value === undefined || value <= this.#base || value >= this.#base + this.#size - 1)
      return refuse(`the provided IP is not in the valid range ${toAddress(this.#base)}/${32 - Math.log2(this.#size)}`);
    return used.has(asked) ? refuse('provided IP is already allocated') : give(asked);
  }

  #usedAddresses(): Set<string> {
    return new Set(this.#store.list('services').map(({ object }) => text(at(object, 'spec', 'clusterIP'))));
  }

  #freeAddress(used: ReadonlySet<string>): string {
    // The cursor moves on after each allocation, so that an address is not given anew right after its service went.
    for (let tries = 0; tries < this.#size; tries += 1) {
      this.#cursor = this.#cursor + 1 >= this.#size - 1 ? 2 : this.#cursor + 1;
      const address = toAddress(this.#base + this.#cursor);
      if (!used.has(address) && !this.#reserved.has(address)) return address;
    }
    throw new Error('no service address is free: delete services');
  }

  #allocateNodePorts(service: KubeObject, old?: KubeObject): Allocation {
    const spec = service.spec as Record<string, unknown>;
    if (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts === false) return { service, faults: [] };
    const used = this.#usedNodePorts(service);
    const before = list(at(old, 'spec', 'ports'));
    const faults: FieldFault[] = [];
    const ports = list(spec.ports).map((port, index) => {
      const same = before.find(
        (candidate) => at(candidate, 'port') === at(port, 'port') && at(candidate, 'protocol') === at(port, 'protocol'),
      );
      const asked = number(at(port, 'nodePort')) || number(at(same, 'nodePort'));
      if (asked !== 0) {
        const path = `spec.ports[${index}].nodePort`;
        if (asked < NODE_PORTS.first || asked > NODE_PORTS.last)
          faults.push({
            path,
            reason: 'FieldValueInvalid',
            message: `Invalid value: ${asked}: provided port is not in the valid range. The range of valid ports is 30000-32767`,
          });
        else if (used.has(asked))
          faults.push({
            path,
            reason: 'FieldValueInvalid',
            message: `Invalid value: ${asked}: provided port is already allocated`,
          });
        return { ...(port as object), nodePort: asked };
      }
      const free = firstFree(used);
      used.add(free);
      return { ...(port as object), nodePort: free };
    });
    return { service: { ...service, spec: { ...spec, ports } }, faults };
  }

  #usedNodePorts(except: KubeObject): Set<number> {
    const used = new Set<number>();
    for (const { object } of this.#store.list('services')) {
      const { namespace, name } = object.metadata;
      if (namespace === except.metadata.namespace && name === except.metadata.name) continue;
      for (const port of list(at(object, 'spec', 'ports'))) used.add(number(at(port, 'nodePort')));
    }
    return used;
  }
}

const firstFree = (used: ReadonlySet<number>): number => {
  for (let port = NODE_PORTS.first; port <= NODE_PORTS.last; port += 1) if (!used.has(port)) return port;
  throw new Error('no node port is free: delete services');
};

const withoutAddresses = (service: KubeObject): KubeObject => {
  const {
    clusterIP: _1,
    clusterIPs: _2,
    ipFamilies: _3,
    ipFamilyPolicy: _4,
    ...spec
  } = service.spec as Record<string, unknown>;
  return withoutNodePorts({ ...service, spec });
};

const withoutNodePorts = (service: KubeObject): KubeObject => {
  const spec = service.spec as Record<string, unknown>;
  const ports = list(spec.ports).map((port) => {
    const { nodePort: _nodePort, ...rest } = port as Record<string, unknown>;
    return rest;
  });
  return { ...service, spec: { ...spec, ...(spec.ports === undefined ? {} : { ports }) } };
};
