export {
  familiarName,
  type ImageAddOptions,
  type ImageLoadOptions,
  type ImageRecord,
  imageAdd,
  imageLoad,
  parseImageName,
  readImages,
  removeImage,
  resolveImage,
} from './image/index.ts';
export { type ClusterState, type ClusterStatus, clusterDown, clusterStatus, listClusters } from './local/down.ts';
export { ClusterNotRunning, nodeExec } from './local/exec.ts';
export {
  type ClusterId,
  clusterPaths,
  DEFAULT_CLUSTER,
  defaultHome,
  InvalidClusterName,
  imagesDirectory,
  kubeconfigPath,
} from './local/paths.ts';
export { checkRequirements, RequirementError } from './local/requirements.ts';
export { type ClusterInfo, ClusterStartError, type ClusterUpOptions, clusterUp, type Progress } from './local/up.ts';
export {
  BRIDGE,
  CLUSTER_DOMAIN,
  DNS_SERVICE_IP,
  GATEWAY_IP,
  NODE_NAME,
  POD_CIDR,
  SERVICE_CIDR,
} from './node/addresses.ts';
export { PROGRAM_PATH } from './node/run.ts';
