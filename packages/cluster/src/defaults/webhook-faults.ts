import { expressionFault } from '../admission/match-conditions.ts';
import { duplicate, forbidden, invalid, item, join, notSupported, required } from '../schema/fault.ts';
import { dnsSubdomain, qualifiedName } from '../schema/names.ts';
import { at, isRecord, list, record, text, texts } from '../store/fields.ts';
import { eachItem, type Faults, NONE, named, needed, oneOf, portNumber, setFields } from './check.ts';
import { selectorFaults } from './selector-faults.ts';

const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];

const wordsFaults = (path: string, values: unknown): Faults => {
  const words = texts(values);
  if (words.length === 0) return [required(path)];
  return words.length > 1 && words.includes('*')
    ? [invalid(path, words, "if '*' is present, must not specify other values")]
    : NONE;
};

const ruleFaults = (rule: unknown, path: string): Faults => {
  const { operations, apiGroups, apiVersions, resources, scope } = record(rule);
  return [
    ...wordsFaults(join(path, 'apiGroups'), apiGroups),
    ...wordsFaults(join(path, 'apiVersions'), apiVersions),
    ...wordsFaults(join(path, 'operations'), operations),
    ...eachItem(join(path, 'operations'), operations, (operation, here) => oneOf(here, operation, OPERATIONS)),
    ...needed(join(path, 'resources'), resources),
    ...oneOf(join(path, 'scope'), scope, ['*', 'Cluster', 'Namespaced']),
  ];
};

const urlFaults = (path: string, value: string): Faults => {
  if (!URL.canParse(value)) return [invalid(path, value, 'url must be a valid URL, such as https://host[:port]/path')];
  const url = new URL(value);
  return [
    ...(url.protocol === 'https:' ? NONE : [invalid(path, value, "'https' is the only allowed URL scheme")]),
    ...(url.hash === '' ? NONE : [invalid(path, value, 'fragments are not permitted in the URL')]),
    ...(url.search === '' ? NONE : [invalid(path, value, 'query parameters are not permitted in the URL')]),
    ...(url.username === '' && url.password === ''
      ? NONE
      : [invalid(path, '<redacted>', 'user information is not permitted in the URL')]),
  ];
};

const serviceFaults = (service: Readonly<Record<string, unknown>>, path: string): Faults => [
  ...needed(join(path, 'name'), service.name, 'service name is required'),
  ...needed(join(path, 'namespace'), service.namespace, 'service namespace is required'),
  ...portNumber(join(path, 'port'), service.port),
  ...(text(service.path) !== '' && !text(service.path).startsWith('/')
    ? [invalid(join(path, 'path'), service.path, "must start with a '/'")]
    : NONE),
];

const clientFaults = (client: unknown, path: string): Faults => {
  const given = setFields(client, ['url', 'service']);
  if (given.length !== 1) return [required(path, 'exactly one of url or service is required')];
  const { url, service } = record(client);
  return isRecord(service) ? serviceFaults(service, join(path, 'service')) : urlFaults(join(path, 'url'), text(url));
};

const compiled = (path: string, expression: string): Faults => {
  const why = expression.trim() === '' ? '' : expressionFault(expression);
  return why === '' ? NONE : [invalid(path, expression, `compilation failed: ${why}`)];
};

const conditionFaults = (condition: unknown, path: string): Faults => {
  const { name, expression } = record(condition);
  return [
    ...(text(name) === '' ? [required(join(path, 'name'))] : named(join(path, 'name'), name, qualifiedName)),
    ...needed(join(path, 'expression'), typeof expression === 'string' ? expression.trim() : expression),
    ...compiled(join(path, 'expression'), text(expression)),
  ];
};

const fullName = (path: string, name: unknown): Faults => {
  const given = text(name);
  if (given === '') return [required(path)];
  const syntax = named(path, given, dnsSubdomain);
  if (syntax.length > 0) return syntax;
  return given.split('.').length < 3
    ? [invalid(path, given, 'should be a domain with at least three segments separated by dots')]
    : NONE;
};

const webhookFaults = (webhook: unknown, path: string): Faults => {
  const hook = record(webhook);
  const seconds = hook.timeoutSeconds;
  const versions = texts(hook.admissionReviewVersions);
  return [
    ...fullName(join(path, 'name'), hook.name),
    ...clientFaults(hook.clientConfig, join(path, 'clientConfig')),
    ...eachItem(join(path, 'rules'), hook.rules, ruleFaults),
    ...oneOf(join(path, 'failurePolicy'), hook.failurePolicy, ['Fail', 'Ignore']),
    ...oneOf(join(path, 'matchPolicy'), hook.matchPolicy, ['Equivalent', 'Exact']),
    ...(text(hook.sideEffects) === ''
      ? [required(join(path, 'sideEffects'), 'must specify one of None, NoneOnDryRun')]
      : ['None', 'NoneOnDryRun'].includes(text(hook.sideEffects))
        ? NONE
        : [notSupported(join(path, 'sideEffects'), hook.sideEffects, ['None', 'NoneOnDryRun'])]),
    ...(typeof seconds === 'number' && (seconds < 1 || seconds > 30)
      ? [invalid(join(path, 'timeoutSeconds'), seconds, 'the timeout value must be between 1 and 30 seconds')]
      : NONE),
    ...selectorFaults(join(path, 'namespaceSelector'), hook.namespaceSelector),
    ...selectorFaults(join(path, 'objectSelector'), hook.objectSelector),
    ...(versions.length === 0
      ? [required(join(path, 'admissionReviewVersions'), 'must specify one of v1, v1beta1')]
      : versions.includes('v1') || versions.includes('v1beta1')
        ? NONE
        : [invalid(join(path, 'admissionReviewVersions'), versions, 'must include at least one of v1, v1beta1')]),
    ...oneOf(join(path, 'reinvocationPolicy'), hook.reinvocationPolicy, ['IfNeeded', 'Never']),
    ...eachItem(join(path, 'matchConditions'), hook.matchConditions, conditionFaults),
  ];
};

/** What is wrong with a configuration of webhooks, mutating or validating. */
export const webhookConfigurationFaults = (object: unknown): Faults => {
  const webhooks = list(at(object, 'webhooks'));
  const seen = new Set<string>();
  return webhooks.flatMap((webhook, index) => {
    const path = item('webhooks', index);
    const name = text(at(webhook, 'name'));
    const repeated = name !== '' && seen.has(name);
    seen.add(name);
    return [...webhookFaults(webhook, path), ...(repeated ? [duplicate(join(path, 'name'), name)] : NONE)];
  });
};

/** What is wrong with a ValidatingAdmissionPolicy; the embedded cluster keeps them and does not act on them. */
export const admissionPolicyFaults = (object: unknown): Faults => {
  const { validations, auditAnnotations, failurePolicy, matchConstraints, paramKind } = record(at(object, 'spec'));
  return [
    ...(isRecord(matchConstraints) ? NONE : [required('spec.matchConstraints')]),
    ...(list(validations).length + list(auditAnnotations).length === 0
      ? [required('spec.validations', 'validations or auditAnnotations must be non-empty')]
      : NONE),
    ...eachItem('spec.validations', validations, (validation, path) =>
      needed(join(path, 'expression'), at(validation, 'expression'), 'expression is not specified'),
    ),
    ...oneOf('spec.failurePolicy', failurePolicy, ['Fail', 'Ignore']),
    ...(isRecord(paramKind)
      ? [...needed('spec.paramKind.apiVersion', paramKind.apiVersion), ...needed('spec.paramKind.kind', paramKind.kind)]
      : NONE),
  ];
};

/** What is wrong with a ValidatingAdmissionPolicyBinding. */
export const admissionBindingFaults = (object: unknown): Faults => {
  const { policyName, validationActions } = record(at(object, 'spec'));
  const actions = texts(validationActions);
  return [
    ...needed('spec.policyName', policyName),
    ...needed('spec.validationActions', validationActions, 'at least one validation action is required'),
    ...eachItem('spec.validationActions', validationActions, (action, path) =>
      oneOf(path, action, ['Audit', 'Deny', 'Warn']),
    ),
    ...(actions.includes('Deny') && actions.includes('Warn')
      ? [forbidden('spec.validationActions', 'must not contain both Deny and Warn')]
      : NONE),
  ];
};
