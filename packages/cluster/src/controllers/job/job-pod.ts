import type { Container, PodTemplate } from '../objects.ts';
import { type NewPod, newPod } from '../pods/new-pod.ts';
import type { Job } from '../workload-objects.ts';
import { COMPLETION_INDEX } from './indexes.ts';
import { TRACKING } from './tally.ts';

/** How a container learns its index. */
const INDEX_VARIABLE = {
  name: 'JOB_COMPLETION_INDEX',
  valueFrom: { fieldRef: { fieldPath: `metadata.annotations['${COMPLETION_INDEX}']` } },
};

const informed = (container: Container & { readonly env?: readonly object[] }): Container => {
  const env: readonly object[] = [...(container.env ?? []), INDEX_VARIABLE];
  return { ...container, env } as Container;
};

const withIndex = ({ spec, ...rest }: PodTemplate): PodTemplate => ({
  ...rest,
  spec: {
    ...spec,
    containers: spec.containers.map(informed),
    ...(spec.initContainers === undefined ? {} : { initContainers: spec.initContainers.map(informed) }),
  },
});

/** A pod of the job; with `index` one of an Indexed job (Kubernetes docs, "Jobs: Completion mode"). */
export const jobPod = (job: Job, index?: number): NewPod => {
  const { name, uid = '' } = job.metadata;
  const labels = {
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  };
  const finalizers = [TRACKING];
  if (index === undefined) return newPod(job, job.spec.template, { labels, finalizers });
  const pod = newPod(job, withIndex(job.spec.template), {
    labels: { ...labels, [COMPLETION_INDEX]: String(index) },
    annotations: { [COMPLETION_INDEX]: String(index) },
    finalizers,
    spec: { hostname: `${name}-${index}` },
  });
  return { ...pod, metadata: { ...pod.metadata, generateName: `${name}-${index}-` } };
};
