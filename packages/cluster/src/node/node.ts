import { dirname } from 'node:path';
import { createInformer, createKubeClient, TYPES } from '@osm/kube';
import { resolveImage } from '../image/resolve.ts';
import { startKubelet } from '../kubelet/kubelet.ts';
import {
  API_ENDPOINT_PORT,
  API_SERVICE_IP,
  API_SERVICE_PORT,
  CLUSTER_DOMAIN,
  DNS_SERVICE_IP,
  GATEWAY_IP,
} from './addresses.ts';
import { setUpBridge } from './bridge.ts';
import { addressesOf } from './dns-records.ts';
import { startDnsServer } from './dns-server.ts';
import { forwardToSocket } from './forward.ts';
import type { NodePart, NodeSettings } from './messages.ts';
import { setUpMounts } from './mounts.ts';
import { type KubeletRoutes, startNodeServer } from './node-server.ts';
import { PodNetworks } from './pod-network.ts';
import { resolvConf } from './resolv-conf.ts';
import { ServiceDirectory } from './service-directory.ts';
import type { EndpointSlice, Service } from './service-objects.ts';
import { ServiceProxy } from './service-proxy.ts';

/** How the node tells of itself. */
export interface NodeReport {
  /** A part is up. */
  part(part: NodePart): void;
  log(message: string): void;
}

const DNS_PORT = 53;

/**
 * Brings up the node inside the namespaces it was started in: /run, bridge, the API server's address, name service, service
 * addresses, kubelet. Resolves when pods can run. Rejects with the first fault; the caller ends the process, which undoes all.
 */
export async function startNode(settings: NodeSettings, report: NodeReport): Promise<void> {
  await setUpMounts(settings.clusterDirectory, [
    settings.clusterDirectory,
    settings.imagesDirectory,
    dirname(settings.nodeSocket),
  ]);
  await setUpBridge();
  const directory = new ServiceDirectory();
  let kubelet: KubeletRoutes | undefined;
  await Promise.all([
    forwardToSocket(API_SERVICE_IP, API_SERVICE_PORT, settings.apiSocket),
    forwardToSocket(GATEWAY_IP, API_ENDPOINT_PORT, settings.apiSocket),
    startNodeServer(
      settings.nodeSocket,
      (host) => addressesOf(directory, host),
      () => kubelet,
    ),
  ]);
  report.part('network');

  const client = createKubeClient({
    socketPath: settings.apiSocket,
    caPem: settings.caPem,
    certPem: settings.certPem,
    keyPem: settings.keyPem,
    serverName: 'kubernetes',
  });
  const services = createInformer<Service>(client, TYPES.services);
  const slices = createInformer<EndpointSlice>(client, TYPES.endpointSlices);
  await directory.follow(services, slices);
  // Answers come only when the services are known: a name must not be denied because the node has just started.
  await Promise.all([
    startDnsServer(directory, DNS_SERVICE_IP, DNS_PORT),
    startDnsServer(directory, GATEWAY_IP, DNS_PORT),
  ]);
  report.part('dns');
  await new ServiceProxy(directory, report.log).start();
  report.part('services');

  const networks = new PodNetworks();
  kubelet = await startKubelet({
    client,
    nodeName: settings.nodeName,
    stateDir: settings.kubeletDirectory,
    hidden: [settings.clusterDirectory],
    nodeIP: GATEWAY_IP,
    network: { createPodNetwork: (podKey) => networks.create(podKey) },
    resolveImage: (name) => resolveImage(settings.imagesDirectory, name),
    resolvConf,
    apiServerAddress: { host: API_SERVICE_IP, port: API_SERVICE_PORT },
    clusterDomain: CLUSTER_DOMAIN,
    ...(settings.hollowNodes > 0 ? { hollow: { nodes: settings.hollowNodes } } : {}),
    log: report.log,
  });
  report.part('kubelet');
}
