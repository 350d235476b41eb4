import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { parse, parseAllDocuments } from 'yaml';
import { assertGolden } from './testing.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../../..');
const HELM = process.env.HELM_PATH ?? join(ROOT, 'gen/bin/helm');
const CHART = join(ROOT, 'charts/osm');

interface Rendered {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: {
    readonly template?: {
      readonly spec: { readonly containers: readonly Container[]; readonly initContainers?: readonly Container[] };
    };
  };
  readonly data?: Readonly<Record<string, string>>;
}
interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
}

async function template(...sets: string[]): Promise<string> {
  const flags = sets.flatMap((set) => ['--set', set]);
  const { stdout } = await run(HELM, ['template', 'osm', CHART, '--namespace', 'osm-system', ...flags]);
  return stdout;
}
const objects = (text: string): Rendered[] =>
  parseAllDocuments(text)
    .map((document) => document.toJS() as Rendered)
    .filter((object) => object !== null);
const fails = (pattern: RegExp, ...sets: string[]): Promise<void> =>
  assert.rejects(template(...sets), (error: { stderr?: string }) => pattern.test(error.stderr ?? ''));

describe('chart', () => {
  test('helm finds nothing wrong with it', async () => {
    await run(HELM, ['lint', '--strict', CHART]);
  });

  test('the default rendering is the golden one', async () => {
    assertGolden(join(CHART, 'testdata/default.yaml'), await template());
  });

  test('every image has a meaning in images.yaml, and only commands of images say how to start', async () => {
    const { images } = parse(readFileSync(join(CHART, 'images.yaml'), 'utf8')) as { images: Record<string, string[]> };
    const rendered = objects(await template());
    const containers = rendered.flatMap(({ spec }) => {
      const pod = spec?.template?.spec;
      return [...(pod?.initContainers ?? []), ...(pod?.containers ?? [])];
    });
    assert.equal(containers.length, 7);
    for (const container of containers) {
      assert.ok(container.image in images, container.image);
      assert.equal(container.command, undefined);
    }
    const dataPlane = containers
      .flatMap((container) => container.env ?? [])
      .filter(({ name }) => name.startsWith('OSM_DEFAULT_'))
      .map(({ value }) => value ?? '');
    assert.equal(dataPlane.length, 3);
    for (const image of dataPlane) assert.ok(image in images, image);
  });

  test('the preset is valid JSON with the values of the chart', async () => {
    const text = await template(
      'osm.enableEgress=false',
      'osm.outboundPortExclusionList={6379,8201}',
      'osm.tracing.enable=true',
    );
    const preset = objects(text).find(({ metadata }) => metadata.name === 'preset-mesh-config');
    const config = JSON.parse(preset?.data?.['preset-mesh-config.json'] ?? '') as {
      traffic: object;
      observability: { tracing: object };
    };
    assert.deepEqual(config.traffic, {
      enableEgress: false,
      enablePermissiveTrafficPolicyMode: true,
      outboundIPRangeExclusionList: [],
      outboundIPRangeInclusionList: [],
      outboundPortExclusionList: [6379, 8201],
      inboundPortExclusionList: [],
      networkInterfaceExclusionList: [],
    });
    assert.deepEqual(config.observability.tracing, {
      enable: true,
      address: 'jaeger.osm-system.svc.cluster.local',
      port: 9411,
      endpoint: '/api/v2/spans',
    });
  });

  test('scaling and disruption budgets', async () => {
    const found = objects(
      await template(
        'osm.osmController.autoScale.enable=true',
        'osm.injector.autoScale.enable=true',
        'osm.osmController.enablePodDisruptionBudget=true',
      ),
    );
    const names = found
      .filter(({ kind }) => kind === 'HorizontalPodAutoscaler' || kind === 'PodDisruptionBudget')
      .map(({ apiVersion, metadata }) => `${apiVersion} ${metadata.name}`);
    assert.deepEqual(names.sort(), [
      'autoscaling/v2 osm-controller-hpa',
      'autoscaling/v2 osm-injector-hpa',
      'policy/v1 osm-controller-pdb',
    ]);
    const controller = found.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'osm-controller');
    assert.ok(!('replicas' in (controller?.spec ?? {})));
  });

  test('a digest is used unless a tag is given', async () => {
    const digest = `sha256:${'a'.repeat(64)}`;
    const image = async (...sets: string[]): Promise<string | undefined> =>
      objects(await template(`osm.image.digest.osmController=${digest}`, ...sets)).find(
        ({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'osm-controller',
      )?.spec?.template?.spec.containers[0]?.image;
    assert.equal(await image(), `openservicemesh/osm-controller@${digest}`);
    assert.equal(await image('osm.image.tag=v9'), 'openservicemesh/osm-controller:v9');
  });

  test('the mesh can live beside its release', async () => {
    const found = objects(await template('osm.osmNamespace=mesh'));
    const namespaces = new Set(found.map(({ metadata }) => metadata.namespace).filter((name) => name !== undefined));
    assert.deepEqual([...namespaces], ['mesh']);
  });

  test('wrong values are named', async () => {
    await fails(/osm\/localProxyMode/, 'osm.localProxyMode=Here');
    await fails(/osm\/outboundIPRangeExclusionList\/0/, 'osm.outboundIPRangeExclusionList={10.0.0.1}');
    await fails(/additional properties 'enableEgres' not allowed/, 'osm.enableEgres=true');
    await fails(/set osm\.vault\.host/, 'osm.certificateProvider.kind=vault');
    await fails(/set osm\.vault\.token, or/, 'osm.certificateProvider.kind=vault', 'osm.vault.host=vault.test');
    await fails(/osm\.deployGrafana: this chart does not bundle/, 'osm.deployGrafana=true');
  });
});
