import assert from 'node:assert/strict';
import { test } from 'node:test';
import { injectorWebhook, type RegistrationInput, validatorWebhook } from './registration.ts';

interface Webhook {
  readonly name: string;
  readonly failurePolicy: string;
  readonly clientConfig: {
    readonly service: {
      readonly name: string;
      readonly namespace: string;
      readonly path: string;
      readonly port: number;
    };
    readonly caBundle: string;
  };
  readonly namespaceSelector: {
    readonly matchLabels: Readonly<Record<string, string>>;
    readonly matchExpressions?: readonly {
      readonly key: string;
      readonly operator: string;
      readonly values?: readonly string[];
    }[];
  };
  readonly rules: readonly { readonly resources: readonly string[]; readonly operations: readonly string[] }[];
}

const INPUT: RegistrationInput = {
  name: 'osm-webhook',
  meshName: 'osm',
  osmNamespace: 'osm-system',
  osmVersion: 'v2',
  caBundle: 'PEM',
  timeoutSeconds: 5,
};
const webhooksOf = (configuration: object): readonly Webhook[] =>
  (configuration as { readonly webhooks: readonly Webhook[] }).webhooks;
const validators = (validateTrafficTarget: boolean): readonly Webhook[] =>
  webhooksOf(validatorWebhook({ ...INPUT, validateTrafficTarget }));

/** Whether a namespace is chosen (meta/v1 LabelSelector). */
function selects({ namespaceSelector }: Webhook, labels: Readonly<Record<string, string>>): boolean {
  const { matchLabels, matchExpressions = [] } = namespaceSelector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      if (operator === 'DoesNotExist') return labels[key] === undefined;
      if (operator === 'NotIn') return labels[key] === undefined || !values.includes(labels[key]);
      throw new Error(`operator ${operator} is not known here`);
    })
  );
}

const member = (name: string, more: object = {}) => ({
  'openservicemesh.io/monitored-by': 'osm',
  'kubernetes.io/metadata.name': name,
  ...more,
});

test('pods and policies are checked in namespaces of the mesh, and in no others', () => {
  const hooks = [...webhooksOf(injectorWebhook(INPUT)), ...validators(true).slice(0, 1)];
  assert.equal(hooks.length, 2);
  for (const hook of hooks) {
    assert.ok(selects(hook, member('shop')), hook.name);
    for (const labels of [
      {},
      member('shop', { 'openservicemesh.io/monitored-by': 'other' }),
      member('shop', { 'openservicemesh.io/ignore': '' }),
      member('shop', { 'control-plane': 'gatekeeper' }),
      member('osm-system'),
      member('kube-system'),
    ]) {
      assert.ok(!selects(hook, labels), `${hook.name} ${JSON.stringify(labels)}`);
    }
  }
});

test('MeshConfig is checked where the control plane is, and can be mended without it', () => {
  const hook = validators(true)[1];
  assert.ok(hook);
  assert.deepEqual(
    hook.rules.map(({ resources }) => resources),
    [['meshconfigs']],
  );
  assert.ok(selects(hook, { 'kubernetes.io/metadata.name': 'osm-system' }));
  assert.ok(!selects(hook, member('shop')));
  assert.equal(hook.failurePolicy, 'Ignore');
});

test('what cannot be checked is refused, for policies and pods', () => {
  for (const hook of [...webhooksOf(injectorWebhook(INPUT)), ...validators(true).slice(0, 1)]) {
    assert.equal(hook.failurePolicy, 'Fail', hook.name);
  }
});

test('TrafficTargets are checked only when that is wanted', () => {
  const resources = (wanted: boolean): readonly string[] =>
    validators(wanted).flatMap(({ rules }) => rules.flatMap((rule) => rule.resources));
  assert.ok(resources(true).includes('traffictargets'));
  assert.ok(!resources(false).includes('traffictargets'));
});

test('webhooks are called over TLS at their services, verified by the bundle', () => {
  for (const { clientConfig } of [...webhooksOf(injectorWebhook(INPUT)), ...validators(true)]) {
    assert.equal(clientConfig.service.namespace, 'osm-system');
    assert.ok(['osm-injector', 'osm-validator'].includes(clientConfig.service.name));
    assert.equal(Buffer.from(clientConfig.caBundle, 'base64').toString(), 'PEM');
  }
});
