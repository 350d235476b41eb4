import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchConditions } from './match-conditions.ts';
import { matchRules } from './match-rules.ts';
import { matchSelectors } from './match-selectors.ts';
import type { AdmissionRequest } from './request.ts';
import { CREATE_POD, PODS, webhook } from './testing/requests.ts';

const STATUS: AdmissionRequest = { ...CREATE_POD, operation: 'UPDATE', subResource: 'status' };
const { namespace: _namespace, ...CLUSTER_SCOPED } = CREATE_POD;
const NAMESPACE: AdmissionRequest = {
  ...CREATE_POD,
  resource: { group: '', version: 'v1', resource: 'namespaces' },
  name: 'shop',
};
const ALL = { operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] };

const RULES: readonly (readonly [name: string, rule: object, request: AdmissionRequest, matches: boolean])[] = [
  ['the resource', PODS, CREATE_POD, true],
  ['another operation', { ...PODS, operations: ['DELETE'] }, CREATE_POD, false],
  ['one of the operations', { ...PODS, operations: ['DELETE', 'CREATE'] }, CREATE_POD, true],
  ['another group', { ...PODS, apiGroups: ['apps'] }, CREATE_POD, false],
  ['another version', { ...PODS, apiVersions: ['v2'] }, CREATE_POD, false],
  ['another resource', { ...PODS, resources: ['services'] }, CREATE_POD, false],
  ['everything', ALL, CREATE_POD, true],
  ['every resource, without subresources', ALL, STATUS, false],
  ['every subresource', { ...ALL, resources: ['*/*'] }, STATUS, true],
  ['every subresource of pods', { ...ALL, resources: ['pods/*'] }, STATUS, true],
  ['pods themselves among their subresources', { ...ALL, resources: ['pods/*'] }, CREATE_POD, true],
  ['the subresource of every resource', { ...ALL, resources: ['*/status'] }, STATUS, true],
  ['the subresource', { ...ALL, resources: ['pods/status'] }, STATUS, true],
  ['the subresource only', { ...ALL, resources: ['pods/status'] }, CREATE_POD, false],
  ['namespaced objects', { ...ALL, scope: 'Namespaced' }, CREATE_POD, true],
  ['namespaced objects only', { ...ALL, scope: 'Namespaced' }, CLUSTER_SCOPED, false],
  ['cluster-scoped objects', { ...ALL, scope: 'Cluster' }, CLUSTER_SCOPED, true],
  ['cluster-scoped objects only', { ...ALL, scope: 'Cluster' }, CREATE_POD, false],
  ['namespaces as cluster-scoped', { ...ALL, scope: 'Cluster' }, NAMESPACE, true],
  ['namespaces not as namespaced', { ...ALL, scope: 'Namespaced' }, NAMESPACE, false],
  ['nothing', {}, CREATE_POD, false],
];

for (const [name, rule, request, expected] of RULES)
  test(`rules: ${name}`, () => {
    assert.equal(matchRules(webhook({ rules: [rule] }), request, []) !== undefined, expected);
  });

test('rules: an equivalent version counts, unless the policy is exact', () => {
  const v2 = { group: '', version: 'v2', resource: 'pods' };
  const rules = [{ ...PODS, apiVersions: ['v2'] }];
  assert.equal(matchRules(webhook({ rules }), CREATE_POD, [v2]), v2);
  assert.equal(matchRules(webhook({ rules, matchPolicy: 'Exact' }), CREATE_POD, [v2]), undefined);
  assert.equal(matchRules(webhook({ rules: [ALL] }), CREATE_POD, [v2]), CREATE_POD.resource);
});

const labelled = (labels: object) => ({ metadata: { labels } });
const APP = { matchLabels: { app: 'web' } };
const NOT_APP = { matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] };

const SELECTORS: readonly (readonly [
  name: string,
  hook: object,
  request: AdmissionRequest,
  labels: Readonly<Record<string, string>>,
  matches: boolean,
])[] = [
  ['none', {}, CREATE_POD, {}, true],
  ['empty ones', { namespaceSelector: {}, objectSelector: {} }, CREATE_POD, {}, true],
  [
    'the labels of the namespace',
    { namespaceSelector: { matchLabels: { mesh: 'on' } } },
    CREATE_POD,
    { mesh: 'on' },
    true,
  ],
  ['other labels of the namespace', { namespaceSelector: { matchLabels: { mesh: 'on' } } }, CREATE_POD, {}, false],
  [
    'cluster-scoped objects whatever the namespaces',
    { namespaceSelector: { matchLabels: { mesh: 'on' } } },
    CLUSTER_SCOPED,
    {},
    true,
  ],
  ['a namespace by its own labels', { namespaceSelector: { matchLabels: { mesh: 'on' } } }, NAMESPACE, {}, false],
  ['the labels of the object', { objectSelector: APP }, CREATE_POD, {}, true],
  [
    'the labels of the object before',
    { objectSelector: APP },
    { ...CREATE_POD, object: labelled({}), oldObject: labelled({ app: 'web' }) },
    {},
    true,
  ],
  [
    'the labels of an object that goes',
    { objectSelector: APP },
    { ...CREATE_POD, object: null, oldObject: labelled({ app: 'web' }) },
    {},
    true,
  ],
  ['an object without the labels', { objectSelector: APP }, { ...CREATE_POD, object: labelled({}) }, {}, false],
  ['an object with labels it must not have', { objectSelector: NOT_APP }, CREATE_POD, {}, false],
  ['an object without labels', { objectSelector: NOT_APP }, { ...CREATE_POD, object: {} }, {}, true],
];

for (const [name, hook, request, labels, expected] of SELECTORS)
  test(`selectors: ${name}`, () => {
    assert.equal(matchSelectors(webhook(hook), request, labels), expected);
  });

const CONDITIONS: readonly (readonly [expressions: readonly string[], verdict: boolean | RegExp])[] = [
  [[], true],
  [['true'], true],
  [["request.userInfo.username == 'alice'", 'object.spec.priority > 3'], true],
  [["'dev' in request.userInfo.groups", 'false'], false],
  [["object.metadata.labels['app'] == 'web'"], true],
  [["!has(object.metadata.annotations) || !('x' in object.metadata.annotations)"], true],
  [['oldObject == null'], true],
  [["request.operation == 'CREATE' && request.resource.resource == 'pods' && request.dryRun == false"], true],
  [["object.metadata.name.lowerAscii() == 'web'"], true],
  [['object.spec.none == 1'], /"c0" cannot be evaluated/],
  [['object.spec.none == 1', 'false'], false],
  [['1 + 1'], /"c0" gives no boolean/],
  [['this is no expression'], /"c0" cannot be evaluated/],
  [['process.exit(1)'], /"c0" cannot be evaluated/],
];

for (const [expressions, expected] of CONDITIONS)
  test(`conditions: ${expressions.join('; ') || 'none'}`, () => {
    const conditions = expressions.map((expression, index) => ({ name: `c${index}`, expression }));
    const verdict = matchConditions(conditions, CREATE_POD);
    if (expected instanceof RegExp) assert.match('error' in verdict ? verdict.error : '', expected);
    else assert.deepEqual(verdict, { match: expected });
  });
