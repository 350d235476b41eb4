import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkMeshConfig } from './mesh-config.ts';
import {
  checkEgress,
  checkIngressBackend,
  checkTrafficTarget,
  checkUpstreamTrafficSetting,
  type PolicyObject,
  type StoredPolicies,
} from './rules.ts';

const NOTHING: StoredPolicies = { ingressBackends: [], upstreamTrafficSettings: [] };
const object = (spec: object, name = 'it'): PolicyObject => ({
  apiVersion: 'v1',
  kind: 'Any',
  metadata: { name, namespace: 'shop' },
  spec,
});
const backend = (protocol = 'http', tls?: object) => ({
  name: 'web',
  port: { number: 80, protocol },
  ...(tls && { tls }),
});
const SERVICE = { kind: 'Service', name: 'nginx', namespace: 'ingress' };
const PRINCIPAL = { kind: 'AuthenticatedPrincipal', name: 'nginx.ingress.cluster.local' };

const authorized = (external: object): readonly string[] =>
  checkMeshConfig(object({ traffic: { inboundExternalAuthorization: external } }));

/** One case of a rule: the faults that must be found, as patterns in order; none means that the object is right. */
type Case = readonly [name: string, faults: readonly string[], expected: readonly RegExp[]];

const ingress = (spec: object, stored: StoredPolicies = NOTHING): readonly string[] =>
  checkIngressBackend(object(spec), stored);
const setting = (spec: object, stored: StoredPolicies = NOTHING): readonly string[] =>
  checkUpstreamTrafficSetting(object(spec), stored);
const match = (apiGroup: string, kind: string) => ({ apiGroup, kind, name: 'x' });
const SMI = 'specs.smi-spec.io/v1alpha4';
const POLICY = 'policy.openservicemesh.io/v1alpha1';
const limited = (responseStatusCode: number) => ({
  rateLimit: { local: { http: { requests: 1, responseStatusCode } } },
});

const CASES: readonly Case[] = [
  ['target: same namespace', checkTrafficTarget(object({ destination: { namespace: 'shop' } })), []],
  [
    'target: other namespace',
    checkTrafficTarget(object({ destination: { namespace: 'other' } })),
    [/spec\.destination\.namespace is "other" but must be .* "shop"/],
  ],
  ['ingress: http from a service', ingress({ backends: [backend()], sources: [SERVICE] }), []],
  ['ingress: protocol in capitals', ingress({ backends: [backend('HTTP')], sources: [SERVICE] }), []],
  [
    'ingress: backend twice',
    ingress({ backends: [backend(), backend()], sources: [SERVICE] }),
    [/spec\.backends\[1\]: backend web with port 80 is listed twice/],
  ],
  [
    'ingress: backend of another object',
    ingress(
      { backends: [backend()], sources: [SERVICE] },
      { ...NOTHING, ingressBackends: [object({ backends: [backend()] }, 'other')] },
    ),
    [/belongs to IngressBackend other/],
  ],
  [
    'ingress: an update of itself',
    ingress(
      { backends: [backend()], sources: [SERVICE] },
      { ...NOTHING, ingressBackends: [object({ backends: [backend()] }, 'it')] },
    ),
    [],
  ],
  [
    'ingress: tcp',
    ingress({ backends: [backend('tcp')], sources: [SERVICE] }),
    [/protocol is "tcp"; use http or https/],
  ],
  [
    'ingress: https validated without principal',
    ingress({ backends: [backend('https')], sources: [SERVICE] }),
    [/needs an AuthenticatedPrincipal/],
  ],
  ['ingress: https validated', ingress({ backends: [backend('https')], sources: [SERVICE, PRINCIPAL] }), []],
  [
    'ingress: https not validated',
    ingress({ backends: [backend('https', { skipClientCertValidation: true })], sources: [SERVICE] }),
    [],
  ],
  [
    'ingress: sources',
    ingress({
      backends: [backend()],
      sources: [
        { kind: 'Service', name: 'a' },
        { kind: 'AuthenticatedPrincipal' },
        { kind: 'IPRange', name: '10' },
        { kind: 'Pod' },
      ],
    }),
    [
      /sources\[0\]: .*name and namespace/,
      /sources\[1\]: .*name/,
      /sources\[2\]\.name is "10"/,
      /sources\[3\]\.kind is "Pod"/,
    ],
  ],
  [
    'egress: both groups',
    checkEgress(object({ matches: [match(SMI, 'HTTPRouteGroup'), match(POLICY, 'UpstreamTrafficSetting')] })),
    [],
  ],
  [
    'egress: group',
    checkEgress(object({ matches: [match('v1', 'HTTPRouteGroup')] })),
    [/matches\[0\]\.apiGroup is "v1"/],
  ],
  ['egress: kind', checkEgress(object({ matches: [match(SMI, 'TCPRoute')] })), [/must be HTTPRouteGroup/]],
  [
    'egress: two settings',
    checkEgress(
      object({ matches: [match(POLICY, 'UpstreamTrafficSetting'), match(POLICY, 'UpstreamTrafficSetting')] }),
    ),
    [/more than one UpstreamTrafficSetting/],
  ],
  ['setting: right', setting({ host: 'web.shop', ...limited(429), httpRoutes: [limited(0)] }), []],
  ['setting: host', setting({ host: 'web.' }), [/spec\.host is "web\."/]],
  [
    'setting: host taken',
    setting({ host: 'web.shop' }, { ...NOTHING, upstreamTrafficSettings: [object({ host: 'web.shop' }, 'other')] }),
    [/already set by UpstreamTrafficSetting other/],
  ],
  [
    'setting: codes',
    setting({ host: 'web.shop', ...limited(499), httpRoutes: [limited(429), limited(777)] }),
    [/^spec\.rateLimit.* is 499/, /^spec\.httpRoutes\[1\]\.rateLimit.* is 777/],
  ],
  ['config: empty', checkMeshConfig(object({})), []],
  ['config: authorization off', authorized({ enable: false }), []],
  ['config: authorization', authorized({ enable: true, address: 'opa.opa', port: 9191 }), []],
  [
    'config: nobody to ask',
    authorized({ enable: true, address: '' }),
    [/inboundExternalAuthorization\.address is missing/, /inboundExternalAuthorization\.port is missing/],
  ],
  ['config: no port', authorized({ enable: true, address: 'opa.opa' }), [/\.port is missing/]],
  [
    'config: no boolean',
    checkMeshConfig(object({ traffic: { enableEgress: 'perhaps' } })),
    [/^spec\.traffic\.enableEgress: /],
  ],
];

describe('validation rules', () => {
  for (const [name, faults, expected] of CASES) {
    test(name, () => {
      assert.equal(faults.length, expected.length, faults.join('\n'));
      for (const [i, pattern] of expected.entries()) assert.match(faults[i] ?? '', pattern);
    });
  }
});
