import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crds } from './crd.ts';

interface Node {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly additionalProperties?: Node;
  readonly [word: string]: unknown;
}
interface Crd {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly names: { readonly plural: string; readonly singular: string; readonly shortNames: readonly string[] };
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly storage: boolean;
      readonly schema: { readonly openAPIV3Schema: Node };
    }[];
  };
}

const all = crds() as readonly Crd[];

function* nodes(node: Node, path: string): Generator<[string, Node]> {
  yield [path, node];
  for (const [name, property] of Object.entries(node.properties ?? {})) yield* nodes(property, `${path}.${name}`);
  if (node.items) yield* nodes(node.items, `${path}[]`);
  if (node.additionalProperties) yield* nodes(node.additionalProperties, `${path}{}`);
}

test('the ten kinds of Open Service Mesh 1.2 are there, each with one storage version', () => {
  assert.deepEqual(all.map((crd) => crd.metadata.name).sort(), [
    'egresses.policy.openservicemesh.io',
    'httproutegroups.specs.smi-spec.io',
    'ingressbackends.policy.openservicemesh.io',
    'meshconfigs.config.openservicemesh.io',
    'meshrootcertificates.config.openservicemesh.io',
    'retries.policy.openservicemesh.io',
    'tcproutes.specs.smi-spec.io',
    'trafficsplits.split.smi-spec.io',
    'traffictargets.access.smi-spec.io',
    'upstreamtrafficsettings.policy.openservicemesh.io',
  ]);
  for (const crd of all) {
    assert.equal(crd.metadata.name, `${crd.spec.names.plural}.${crd.spec.group}`);
    assert.equal(crd.spec.versions.filter((version) => version.storage).length, 1, crd.metadata.name);
    assert.equal(crd.spec.versions.find((version) => version.storage)?.served, true);
  }
});

test('every node of every schema is structural: it has a type, and no junctors', () => {
  for (const crd of all) {
    for (const version of crd.spec.versions) {
      for (const [path, node] of nodes(version.schema.openAPIV3Schema, `${crd.metadata.name} ${version.name}`)) {
        const typed =
          node.type !== undefined ||
          node['x-kubernetes-preserve-unknown-fields'] === true ||
          node['x-kubernetes-int-or-string'] === true;
        assert.ok(typed, `${path} has no type`);
        for (const word of ['anyOf', 'oneOf', 'allOf', '$ref', 'default', 'const']) {
          assert.ok(!(word in node), `${path} holds ${word}`);
        }
        assert.ok(!(node.properties && node.additionalProperties), `${path} mixes properties and additionalProperties`);
      }
    }
  }
});

test('no short name repeats a name', () => {
  const names = all.flatMap((crd) => [crd.spec.names.plural, crd.spec.names.singular, ...crd.spec.names.shortNames]);
  assert.equal(new Set(names).size, names.length);
});
