import { AddressPool } from './address-pool.ts';
import { BRIDGE, GATEWAY_IP, macOf } from './addresses.ts';
import { disableBridgeFilter } from './bridge.ts';
import { run } from './run.ts';

/** A pod's own network. */
export interface PodNetwork {
  /** Path of the network namespace. */
  readonly netns: string;
  readonly ip: string;
  /** Removes the namespace and gives the address back. May be called again. */
  release(): Promise<void>;
}

/** Where `ip netns` keeps its names. */
export const NETNS_DIRECTORY = '/run/netns';

/** Settings of a pod's namespace: low ports and ping without capabilities as container runtimes give them; IPv4 only. */
const POD_SETTINGS = [
  'echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start',
  'echo "0 2147483647" > /proc/sys/net/ipv4/ping_group_range',
  '[ ! -e /proc/sys/net/ipv6/conf/default/disable_ipv6 ] || echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6',
  '[ ! -e /proc/sys/net/ipv6/conf/eth0/disable_ipv6 ] || echo 1 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6',
].join('; ');

/** Makes the pods' network namespaces on the bridge of the current namespace. */
export class PodNetworks {
  private readonly addresses = new AddressPool();

  /**
   * Makes a network namespace with one interface `eth0` on the bridge. `podKey` (`namespace/name`) is for the message of an
   * error only. Nothing is left behind when it rejects.
   */
  async create(podKey: string): Promise<PodNetwork> {
    const ip = this.addresses.take();
    const suffix = ip.split('.').slice(2).join('-');
    const name = `pod-${suffix}`;
    const link = `veth-${suffix}`;
    let released: Promise<void> | undefined;
    const release = (): Promise<void> => {
      released ??= removeNetwork(name, link, ip).finally(() => this.addresses.release(ip));
      return released;
    };
    disableBridgeFilter();
    try {
      await makeNetwork(name, link, ip);
    } catch (error) {
      await release().catch(() => {});
      throw new Error(
        `cannot make the network of pod ${podKey}: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    }
    return { netns: `${NETNS_DIRECTORY}/${name}`, ip, release };
  }
}

async function makeNetwork(name: string, link: string, ip: string): Promise<void> {
  await run('ip', ['netns', 'add', name]);
  await run(
    'ip',
    ['-batch', '-'],
    `link add ${link} type veth peer name eth0 address ${macOf(ip)} netns ${name}
link set ${link} master ${BRIDGE}
link set ${link} type bridge_slave isolated on
link set ${link} up
route add ${ip}/32 dev ${BRIDGE} src ${GATEWAY_IP}
neigh replace ${ip} lladdr ${macOf(ip)} dev ${BRIDGE} nud permanent
`,
  );
  await run(
    'nsenter',
    [`--net=${NETNS_DIRECTORY}/${name}`, '/bin/sh', '-c', `${POD_SETTINGS}; exec ip -batch -`],
    `link set lo up
link set eth0 up
addr add ${ip}/32 dev eth0
neigh replace ${GATEWAY_IP} lladdr ${macOf(GATEWAY_IP)} dev eth0 nud permanent
route add ${GATEWAY_IP} dev eth0 scope link src ${ip}
route add default via ${GATEWAY_IP} src ${ip}
`,
  );
}

async function removeNetwork(name: string, link: string, ip: string): Promise<void> {
  // -force goes on after an error: whatever part exists is removed.
  await run(
    'ip',
    ['-force', '-batch', '-'],
    `route del ${ip}/32 dev ${BRIDGE}\nneigh del ${ip} dev ${BRIDGE}\nlink del ${link}\nnetns del ${name}\n`,
  ).catch(() => {});
}
