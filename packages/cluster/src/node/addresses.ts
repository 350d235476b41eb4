/** The fixed addresses of every embedded cluster. They exist only inside its own network namespace (RFC 2544 range). */

/** The bridge that all pods hang on. */
export const BRIDGE = 'osm0';
/** Address of the node on the bridge: the pods' gateway, the node's InternalIP. */
export const GATEWAY_IP = '198.19.0.1';
/** Pod addresses. */
export const POD_CIDR = '198.19.0.0/16';
/** ClusterIPs. */
export const SERVICE_CIDR = '198.18.0.0/16';
/** ClusterIP of the service `kubernetes` in `default`. */
export const API_SERVICE_IP = '198.18.0.1';
export const API_SERVICE_PORT = 443;
/** Where the same API server answers on the node itself; the endpoint of the service `kubernetes`. */
export const API_ENDPOINT_PORT = 6443;
/** ClusterIP of the DNS service `kube-dns` in `kube-system`. */
export const DNS_SERVICE_IP = '198.18.0.10';
/** The DNS domain of the cluster. */
export const CLUSTER_DOMAIN = 'cluster.local';
/** Name of the Node object that stands for the machine. */
export const NODE_NAME = 'node-0';

/** The MAC address that belongs to an address of the cluster, so that nobody has to ask by ARP. */
export function macOf(ip: string): string {
  return `0a:58:${ip
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join(':')}`;
}
