import { withheld } from './capabilities.ts';
import { allContainers, type Pod } from './pod.ts';

/**
 * What a pod asks for and the embedded cluster does not do, one sentence each. The pod runs without it; each sentence
 * becomes a Warning event, so that nothing is left out silently.
 */
export function unsupported(pod: Pod): readonly string[] {
  const { spec } = pod;
  const security = spec.securityContext;
  const sentences: string[] = [];
  if ((spec.ephemeralContainers ?? []).length > 0) {
    sentences.push('ephemeral containers are not started by the embedded cluster: use kubectl exec');
  }
  if (spec.hostPID)
    sentences.push('hostPID is not honoured by the embedded cluster: containers see their own processes only');
  if (spec.hostIPC) sentences.push('hostIPC is not honoured by the embedded cluster');
  if ((security?.sysctls ?? []).length > 0)
    sentences.push('securityContext.sysctls are not set by the embedded cluster');
  for (const container of allContainers(pod)) {
    for (const port of container.ports ?? []) {
      if (port.hostPort) {
        sentences.push(
          `hostPort ${port.hostPort} of container ${container.name} is not opened: the embedded cluster has no way in from the machine; use kubectl port-forward`,
        );
      }
    }
    for (const name of withheld(container.securityContext)) {
      sentences.push(
        `capability ${name} of container ${container.name} is withheld: pods share the machine's file system read-only`,
      );
    }
    if ((container.volumeDevices ?? []).length > 0)
      sentences.push(`volumeDevices of container ${container.name} are not supported by the embedded cluster`);
  }
  return sentences;
}
