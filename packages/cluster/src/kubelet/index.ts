export type { CreatePodNetwork, PodNetwork, ResolvedImage } from './context.ts';
export { type Kubelet, type KubeletOptions, startKubelet } from './kubelet.ts';
