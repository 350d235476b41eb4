import { ANNOTATION, LABEL } from '../surface.ts';
import { type Annotations, readSwitch } from './annotations.ts';
import type { Pod } from './pod.ts';

/** What is known of the namespace of a new pod. */
export interface NamespaceFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>> | undefined;
  readonly annotations: Annotations;
}

/** Whether a pod gets a sidecar, and why. */
export interface InjectionDecision {
  readonly inject: boolean;
  readonly reason: string;
}

const NEVER = new Set(['kube-system', 'kube-public']);

/**
 * Decides whether a pod is injected: never with the host's network, in system namespaces or outside the mesh; else the
 * pod's annotation decides, then the namespace's; without either it is not. Throws InjectionError for a bad annotation.
 */
export function decideInjection(
  pod: Pod,
  namespace: NamespaceFacts,
  meshName: string,
  osmNamespace: string,
): InjectionDecision {
  const no = (reason: string): InjectionDecision => ({ inject: false, reason });
  if (pod.spec.hostNetwork === true) return no('the pod uses the network of its node');
  if (NEVER.has(namespace.name) || namespace.name === osmNamespace)
    return no(`namespace ${namespace.name} is never meshed`);
  if (namespace.labels?.[LABEL.monitoredBy] !== meshName) {
    return no(`namespace ${namespace.name} is not part of mesh ${meshName}`);
  }
  if (namespace.labels[LABEL.ignore] !== undefined) return no(`namespace ${namespace.name} is ignored`);
  const podName = pod.metadata.name ?? `${pod.metadata.generateName ?? ''}*`;
  const onPod = readSwitch(
    pod.metadata.annotations,
    ANNOTATION.sidecarInjection,
    `Pod ${namespace.name}/${podName}`,
    'E6108',
  );
  if (onPod !== undefined) return { inject: onPod, reason: `annotation of the pod` };
  const onNamespace = readSwitch(
    namespace.annotations,
    ANNOTATION.sidecarInjection,
    `Namespace ${namespace.name}`,
    'E6109',
  );
  if (onNamespace !== undefined) return { inject: onNamespace, reason: 'annotation of the namespace' };
  return no(`neither pod nor namespace carries ${ANNOTATION.sidecarInjection}`);
}
