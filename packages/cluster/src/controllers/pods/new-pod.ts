import type { KubeObject, ObjectMeta } from '@osm/kube';
import type { PodSpec, PodTemplate } from '../objects.ts';
import { controllerReference } from '../ownership.ts';

/** What a new pod has besides its template. */
export interface PodExtras {
  /** A name of its own; default: the server makes one from the owner's. */
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  /** Fields laid over the template's spec. */
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** A pod that is not there yet. */
export interface NewPod {
  readonly apiVersion: 'v1';
  readonly kind: 'Pod';
  readonly metadata: Omit<ObjectMeta, 'name'> & { readonly name?: string; readonly namespace: string };
  readonly spec: PodSpec;
}

/** A pod of the template, controlled by `owner`. */
export const newPod = (owner: KubeObject, template: PodTemplate, extras: PodExtras = {}): NewPod => {
  const labels = { ...template.metadata?.labels, ...extras.labels };
  const annotations = { ...template.metadata?.annotations, ...extras.annotations };
  const finalizers = [...(template.metadata?.finalizers ?? []), ...(extras.finalizers ?? [])];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...(extras.name === undefined ? { generateName: `${owner.metadata.name}-` } : { name: extras.name }),
      namespace: owner.metadata.namespace ?? 'default',
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
      ...(finalizers.length === 0 ? {} : { finalizers }),
      ownerReferences: [controllerReference(owner)],
    },
    spec: { ...template.spec, ...extras.spec },
  };
};
