import assert from 'node:assert/strict';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { decode, encode, type Resource, TYPE_URL } from '@osm/envoy';
import { validateResources } from '@osm/envoy/binary';
import { stringify } from 'yaml';
import type { ProxyPlan } from '../plan/types.ts';
import { TEST_CERTIFICATES } from './testing/certificates.ts';
import { secretsOf } from './testing/envoy.ts';
import { readPlan } from './testing/written-plan.ts';
import { toResources } from './to-resources.ts';

/** Plans of meshes written as Kubernetes objects, and plans written by hand. */
const DIRECTORIES = [join(import.meta.dirname, '../../testdata'), join(import.meta.dirname, 'testdata')];

/** Each `NAME.plan.yaml` is turned into `NAME.out.yaml` beside it, and that is judged by the real Envoy. */
const files = DIRECTORIES.flatMap((cwd) => globSync('*.plan.yaml', { cwd }).map((file) => join(cwd, file))).sort();
assert.ok(files.length > 0, 'there are goldens');

const KINDS = ['listener', 'route', 'cluster', 'endpoint'] as const;

/** Resources in canonical JSON, by kind, sorted by name. */
function written(resources: readonly Resource[]): string {
  const byKind = KINDS.map((kind) => {
    const ofKind = resources.filter(({ typeUrl }) => typeUrl === TYPE_URL[kind]);
    const sorted = ofKind.sort((a, b) => (a.name < b.name ? -1 : 1));
    return [`${kind}s`, sorted.map((resource) => decode(encode(resource)))] as const;
  });
  return stringify(Object.fromEntries(byKind), { lineWidth: 0, aliasDuplicateObjects: false });
}

/** Names that resources refer to, by the fields in which names of clusters and route configurations stand. */
function references(json: unknown, found = { clusters: new Set<string>(), routes: new Set<string>() }) {
  if (Array.isArray(json)) for (const item of json) references(item, found);
  else if (typeof json === 'object' && json !== null) {
    for (const [key, value] of Object.entries(json)) {
      if ((key === 'cluster' || key === 'clusterName') && typeof value === 'string') found.clusters.add(value);
      else if (key === 'routeConfigName') found.routes.add(value as string);
      else if (key === 'weightedClusters') {
        for (const { name } of (value as { clusters: { name: string }[] }).clusters) found.clusters.add(name);
      } else references(value, found);
    }
  }
  return found;
}

function assertComplete(resources: readonly Resource[]): void {
  const names = (kind: (typeof KINDS)[number]): ReadonlySet<string> =>
    new Set(resources.filter(({ typeUrl }) => typeUrl === TYPE_URL[kind]).map(({ name }) => name));
  const { clusters, routes } = references(resources.map(({ json }) => json));
  assert.deepEqual(
    [...clusters].filter((name) => !names('cluster').has(name)),
    [],
    'clusters that are not there',
  );
  assert.deepEqual(new Set(routes), names('route'), 'route configurations');
  assert.deepEqual(
    [...names('endpoint')].filter((name) => !names('cluster').has(name)),
    [],
    'idle assignments',
  );
}

async function assertTakenByEnvoy(plan: ProxyPlan, resources: readonly Resource[]): Promise<void> {
  const secrets = secretsOf(plan, TEST_CERTIFICATES['bookstore/bookstore']);
  const { ok, output } = await validateResources([...resources, ...secrets], { checkRouteClusters: true });
  assert.ok(ok, output);
  assert.equal(output, '', 'Envoy has nothing to warn of');
}

test('golden resources', { concurrency: 2 }, async (t) => {
  await Promise.all(
    files.map((file) =>
      t.test(file.split('/').at(-1)!.replace('.plan.yaml', ''), async () => {
        const plan = readPlan(readFileSync(file, 'utf8'));
        const resources = plan === undefined ? [] : toResources(plan);
        const golden = file.replace('.plan.yaml', '.out.yaml');
        const text = written(resources);
        if (process.env.UPDATE_GOLDEN === '1') writeFileSync(golden, text);
        assert.equal(text, readFileSync(golden, 'utf8'));
        assertComplete(resources);
        if (plan !== undefined) await assertTakenByEnvoy(plan, resources);
      }),
    ),
  );
});
