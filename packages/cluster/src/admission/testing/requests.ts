import type { AdmissionRequest } from '../request.ts';
import { type Webhook, webhooksOf } from '../webhook.ts';

/** The creation of a pod in the namespace `shop`. */
export const CREATE_POD: AdmissionRequest = Object.freeze({
  uid: 'uid-1',
  kind: { group: '', version: 'v1', kind: 'Pod' },
  resource: { group: '', version: 'v1', resource: 'pods' },
  name: 'web',
  namespace: 'shop',
  operation: 'CREATE',
  userInfo: { username: 'alice', groups: ['dev'] },
  object: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', labels: { app: 'web' } }, spec: { priority: 5 } },
  oldObject: null,
  dryRun: false,
  options: null,
});

/** The rule that wants pods. */
export const PODS = { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] };

/** A configuration with webhooks as they are written. */
export const configuration = (name: string, ...webhooks: readonly object[]) => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
  metadata: { name },
  webhooks,
});

/** One webhook as it is read. */
export const webhook = (fields: object): Webhook => {
  const [read] = webhooksOf(configuration('test', { name: 'hook.example.com', rules: [PODS], ...fields }));
  if (read === undefined) throw new Error('the configuration has no webhook');
  return read;
};
