import type { KubeObject } from '@osm/kube';
import { duplicate, forbidden, invalid, item, join, notSupported, required } from '../schema/fault.ts';
import { dns1035Label, dnsSubdomain, type NameRule } from '../schema/names.ts';
import { at, isRecord, list, record, text } from '../store/fields.ts';
import type { FieldFault } from '../types.ts';
import { COLUMN_TYPES } from './columns.ts';
import { readJsonPath } from './json-path.ts';
import { namesOf } from './status.ts';
import { schemaFaults } from './structural-faults.ts';

const APPROVAL = 'api-approved.kubernetes.io';

const broken = (path: string, value: string, rule: NameRule): readonly FieldFault[] => {
  const why = rule(value);
  return why === '' ? [] : [invalid(path, value, why)];
};

const groupFaults = (crd: KubeObject): readonly FieldFault[] => {
  const group = text(at(crd, 'spec', 'group'));
  if (group === '') return [required('spec.group')];
  const syntax = broken('spec.group', group, dnsSubdomain);
  if (syntax.length > 0) return syntax;
  if (!group.includes('.')) return [invalid('spec.group', group, 'should be a domain with at least one dot')];
  const community = /(^|\.)(k8s|kubernetes)\.io$/.test(group);
  if (!community || crd.metadata.annotations?.[APPROVAL] !== undefined) return [];
  return [
    required(
      `metadata.annotations[${APPROVAL}]`,
      'protected groups must have the approval annotation, see https://github.com/kubernetes/enhancements/pull/1111',
    ),
  ];
};

const nameFaults = (crd: KubeObject): readonly FieldFault[] => {
  const given = record(at(crd, 'spec', 'names'));
  const names = namesOf(crd);
  const path = 'spec.names';
  const faults: FieldFault[] = [];
  const plural = text(names.plural);
  const kind = text(names.kind);
  if (plural === '') faults.push(required(join(path, 'plural')));
  else faults.push(...broken(join(path, 'plural'), plural, dns1035Label));
  if (kind === '') faults.push(required(join(path, 'kind')));
  else {
    faults.push(
      ...broken(join(path, 'singular'), text(names.singular), dns1035Label),
      ...broken(join(path, 'kind'), kind, (name) => dns1035Label(name.toLowerCase())),
      ...broken(join(path, 'listKind'), text(names.listKind), (name) => dns1035Label(name.toLowerCase())),
    );
    if (names.listKind === kind)
      faults.push(invalid(join(path, 'listKind'), kind, 'kind and listKind may not be the same'));
  }
  for (const field of ['shortNames', 'categories'])
    for (const [index, name] of list(given[field]).entries())
      faults.push(...broken(item(join(path, field), index), text(name), dns1035Label));
  const wanted = `${plural}.${text(at(crd, 'spec', 'group'))}`;
  if (plural !== '' && crd.metadata.name !== wanted)
    faults.push(invalid('metadata.name', crd.metadata.name, 'must be spec.names.plural+"."+spec.group'));
  return faults;
};

const conversionFaults = (crd: KubeObject): readonly FieldFault[] => {
  const strategy = at(crd, 'spec', 'conversion', 'strategy');
  if (strategy === undefined || strategy === 'None') return [];
  const fault = notSupported('spec.conversion.strategy', strategy, ['None']);
  if (strategy !== 'Webhook') return [fault];
  return [{ ...fault, message: `${fault.message}: this cluster does not call conversion webhooks` }];
};

const columnFaults = (version: unknown, path: string): readonly FieldFault[] =>
  list(record(version).additionalPrinterColumns).flatMap((column, index) => {
    const here = item(join(path, 'additionalPrinterColumns'), index);
    const { name, type, jsonPath } = record(column);
    const faults: FieldFault[] = [];
    if (text(name) === '') faults.push(required(join(here, 'name')));
    if (text(type) === '') faults.push(required(join(here, 'type'), `must be one of ${COLUMN_TYPES.join(',')}`));
    else if (!COLUMN_TYPES.some((known) => known === type))
      faults.push(invalid(join(here, 'type'), type, `must be one of ${COLUMN_TYPES.join(',')}`));
    return [...faults, ...pathFaults(join(here, 'jsonPath'), text(jsonPath), '.')];
  });

/** Faults of a JSON path that must begin with `prefix`. */
const pathFaults = (path: string, value: string, prefix: string): readonly FieldFault[] => {
  if (value === '') return [required(path)];
  if (!value.startsWith(prefix))
    return [
      invalid(path, value, `should be a json path ${prefix === '.' ? 'that begins with a dot' : `under ${prefix}`}`),
    ];
  try {
    readJsonPath(value);
    return [];
  } catch (error) {
    return [invalid(path, value, `is an invalid json path: ${(error as Error).message}`)];
  }
};

const scaleFaults = (version: unknown, path: string): readonly FieldFault[] => {
  const scale = at(version, 'subresources', 'scale');
  if (!isRecord(scale)) return [];
  const here = join(path, 'subresources.scale');
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = scale;
  return [
    ...pathFaults(join(here, 'specReplicasPath'), text(specReplicasPath), '.spec.'),
    ...pathFaults(join(here, 'statusReplicasPath'), text(statusReplicasPath), '.status.'),
    ...(text(labelSelectorPath) === ''
      ? []
      : pathFaults(
          join(here, 'labelSelectorPath'),
          text(labelSelectorPath),
          text(labelSelectorPath).startsWith('.spec.') ? '.spec.' : '.status.',
        )),
  ];
};

const versionFaults = (version: unknown, path: string): readonly FieldFault[] => {
  const name = text(at(version, 'name'));
  const schema = at(version, 'schema', 'openAPIV3Schema');
  return [
    ...(name === '' ? [required(join(path, 'name'))] : broken(join(path, 'name'), name, dns1035Label)),
    ...(isRecord(schema)
      ? schemaFaults(schema, join(path, 'schema.openAPIV3Schema'))
      : [required(join(path, 'schema.openAPIV3Schema'), 'schemas are required')]),
    ...columnFaults(version, path),
    ...scaleFaults(version, path),
  ];
};

const versionsFaults = (crd: KubeObject): readonly FieldFault[] => {
  const versions = list(at(crd, 'spec', 'versions'));
  const faults: FieldFault[] = [];
  const stored = versions.filter((version) => at(version, 'storage') === true);
  if (stored.length !== 1)
    faults.push(
      invalid(
        'spec.versions',
        versions.map((version) => at(version, 'name')),
        'must have exactly one version marked as storage version',
      ),
    );
  const seen = new Set<unknown>();
  for (const [index, version] of versions.entries()) {
    const path = item('spec.versions', index);
    const name = at(version, 'name');
    if (seen.has(name)) faults.push(duplicate(join(path, 'name'), name));
    seen.add(name);
    faults.push(...versionFaults(version, path));
  }
  return faults;
};

const scopeFaults = (crd: KubeObject): readonly FieldFault[] => {
  const scope = at(crd, 'spec', 'scope');
  if (scope === undefined || scope === '') return [required('spec.scope')];
  return scope === 'Cluster' || scope === 'Namespaced'
    ? []
    : [notSupported('spec.scope', scope, ['Cluster', 'Namespaced'])];
};

/**
 * What is wrong with a CustomResourceDefinition (rules of apiextensions.k8s.io/v1,
 * https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/).
 */
export const definitionFaults = (crd: KubeObject): readonly FieldFault[] => [
  ...groupFaults(crd),
  ...nameFaults(crd),
  ...scopeFaults(crd),
  ...(at(crd, 'spec', 'preserveUnknownFields') === true
    ? [
        forbidden(
          'spec.preserveUnknownFields',
          'must be false: mark the fields that keep unknown ones with x-kubernetes-preserve-unknown-fields: true',
        ),
      ]
    : []),
  ...conversionFaults(crd),
  ...versionsFaults(crd),
];
