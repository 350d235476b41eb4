import { existsSync, writeFileSync } from 'node:fs';
import { API_SERVICE_IP, BRIDGE, DNS_SERVICE_IP, GATEWAY_IP, macOf, POD_CIDR, SERVICE_CIDR } from './addresses.ts';
import { run } from './run.ts';

/**
 * The node's own network: a bridge that is the pods' gateway. Pods hold /32 addresses and their bridge ports are isolated, so
 * every packet between pods is routed by the node: replies of translated connections pass connection tracking, and a
 * capture on the bridge sees all. Addresses without a pod are unreachable at once instead of after an ARP time-out.
 */
const LINKS = `
link set lo up
addr add ${API_SERVICE_IP}/32 dev lo
addr add ${DNS_SERVICE_IP}/32 dev lo
link add ${BRIDGE} address ${macOf(GATEWAY_IP)} type bridge forward_delay 0 stp_state 0
link set ${BRIDGE} up
addr add ${GATEWAY_IP}/32 dev ${BRIDGE}
route add ${SERVICE_CIDR} dev ${BRIDGE} src ${GATEWAY_IP}
route add unreachable ${POD_CIDR}
`;

/** Kernel settings of the node's network namespace, each with its reason. */
const SETTINGS: readonly (readonly [path: string, value: string])[] = [
  // The node routes between pods.
  ['net/ipv4/ip_forward', '1'],
  // Packets leave by the interface they came in on; pods must not be told to take a shorter way.
  ['net/ipv4/conf/all/send_redirects', '0'],
  ['net/ipv4/conf/default/send_redirects', '0'],
  [`net/ipv4/conf/${BRIDGE}/send_redirects`, '0'],
  ['net/ipv4/conf/all/rp_filter', '0'],
  ['net/ipv4/conf/default/rp_filter', '0'],
  ['net/ipv6/conf/all/disable_ipv6', '1'],
];

const BRIDGE_FILTER = '/proc/sys/net/bridge/bridge-nf-call-iptables';

/**
 * Keeps the kernel from translating addresses on the bridge itself, where replies would go astray (br_netfilter, which others
 * on the machine may load at any time, and which then starts switched on).
 */
export function disableBridgeFilter(): void {
  if (existsSync(BRIDGE_FILTER)) writeFileSync(BRIDGE_FILTER, '0');
}

/** Builds the node's network inside the current network namespace. Rejects with CommandError. */
export async function setUpBridge(): Promise<void> {
  await run('ip', ['-batch', '-'], LINKS);
  disableBridgeFilter();
  // By shell, because a setting that the kernel does not have (IPv6 switched off) is no fault.
  await run('/bin/sh', [
    '-c',
    SETTINGS.map(([path, value]) => `[ ! -e /proc/sys/${path} ] || echo ${value} > /proc/sys/${path}`).join(' && '),
  ]);
}
