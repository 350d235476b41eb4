export { createKubeClient } from './client.ts';
export type { ApiServerAddress, ClientLimits, ExecPlugin, Impersonation, KubeConfig } from './config.ts';
export { createInformer, type InformerOptions } from './informer.ts';
export { defaultConfig, inClusterConfig, KubeconfigError, loadKubeconfig } from './kubeconfig.ts';
export { createLeaseElection, type LeaseElection, type LeaseElectionOptions } from './lease.ts';
export { objectKey } from './object-cache.ts';
export * from './resource-types.ts';
export * from './types.ts';
export { createWorkQueue, type WorkQueue, type WorkQueueOptions } from './work-queue.ts';
