import { APP_NAME, LABEL, PORT } from '../surface.ts';

/** What both webhook configurations depend on. */
export interface RegistrationInput {
  /** Name of the configuration object. */
  readonly name: string;
  readonly meshName: string;
  readonly osmNamespace: string;
  readonly osmVersion: string;
  /** PEM bundle that verifies the serving certificate. */
  readonly caBundle: string;
  readonly timeoutSeconds: number;
}

const labels = (input: RegistrationInput, app: string): object => ({
  [LABEL.appName]: APP_NAME,
  [LABEL.appInstance]: input.meshName,
  [LABEL.appVersion]: input.osmVersion,
  [LABEL.app]: app,
  [LABEL.reconcile]: input.osmVersion,
});

/** Namespaces of this mesh, except the control plane's, ignored ones and those of other control planes. */
const namespaceSelector = (input: RegistrationInput): object => ({
  matchLabels: { [LABEL.monitoredBy]: input.meshName },
  matchExpressions: [
    { key: LABEL.ignore, operator: 'DoesNotExist' },
    { key: 'name', operator: 'NotIn', values: [input.osmNamespace] },
    { key: 'control-plane', operator: 'DoesNotExist' },
    {
      key: 'kubernetes.io/metadata.name',
      operator: 'NotIn',
      values: [...new Set([input.osmNamespace, 'kube-system', 'kube-public'])],
    },
  ],
});

const clientConfig = (input: RegistrationInput, service: string, path: string, port: number): object => ({
  service: { name: service, namespace: input.osmNamespace, path, port },
  caBundle: Buffer.from(input.caBundle).toString('base64'),
});

/** The MutatingWebhookConfiguration that sends new pods of the mesh to the injector. */
export function injectorWebhook(input: RegistrationInput): object {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: input.name, labels: labels(input, 'osm-injector') },
    webhooks: [
      {
        name: 'osm-inject.k8s.io',
        admissionReviewVersions: ['v1'],
        clientConfig: clientConfig(input, 'osm-injector', '/mutate-pod-creation', PORT.injector),
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'], scope: '*' }],
        failurePolicy: 'Fail',
        matchPolicy: 'Exact',
        namespaceSelector: namespaceSelector(input),
        // The control plane's own pods must start while no injector runs, wherever they are.
        objectSelector: { matchExpressions: [{ key: LABEL.appName, operator: 'NotIn', values: [APP_NAME] }] },
        reinvocationPolicy: 'Never',
        sideEffects: 'NoneOnDryRun',
        timeoutSeconds: input.timeoutSeconds,
      },
    ],
  };
}

/** The ValidatingWebhookConfiguration that lets the controller check policies and MeshConfig before they are stored. */
export function validatorWebhook(input: RegistrationInput & { readonly validateTrafficTarget: boolean }): object {
  const rule = (group: string, version: string, resources: readonly string[]): object => ({
    apiGroups: [group],
    apiVersions: [version],
    operations: ['CREATE', 'UPDATE'],
    resources,
    scope: '*',
  });
  const common = {
    admissionReviewVersions: ['v1'],
    clientConfig: clientConfig(input, 'osm-validator', '/validate', PORT.validator),
    matchPolicy: 'Exact',
    objectSelector: {},
    sideEffects: 'None',
    timeoutSeconds: input.timeoutSeconds,
  };
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name: input.name, labels: labels(input, 'osm-controller') },
    webhooks: [
      {
        ...common,
        name: 'osm-validator.k8s.io',
        rules: [
          rule('policy.openservicemesh.io', 'v1alpha1', ['ingressbackends', 'egresses', 'upstreamtrafficsettings']),
          ...(input.validateTrafficTarget ? [rule('access.smi-spec.io', 'v1alpha3', ['traffictargets'])] : []),
        ],
        failurePolicy: 'Fail',
        namespaceSelector: namespaceSelector(input),
      },
      {
        ...common,
        name: 'osm-config-validator.k8s.io',
        rules: [rule('config.openservicemesh.io', 'v1alpha2', ['meshconfigs'])],
        // It must be possible to make and mend a MeshConfig while no controller runs; one that is wrong then denies.
        failurePolicy: 'Ignore',
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': input.osmNamespace } },
      },
    ],
  };
}
