import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MeshObject } from '@osm/core';
import { planProxy, policyFaults, readSnapshot, toResources } from '@osm/core';
import { encode, type Resource } from '@osm/envoy';
import { validateResources } from '@osm/envoy/binary';
import { meshOf } from '../../packages/core/src/testing/mesh.ts';
import { type Draw, drawFrom } from './draw.ts';
import { drawWorld } from './world.ts';

/** Policies as nobody should write them: whatever they say, the core goes on, and Envoy takes what comes of it. */

/** So many objects are broken; `FUZZ_OBJECTS` asks for more. */
const OBJECTS = Number(process.env.FUZZ_OBJECTS ?? 3000);
const SEED = 20_110_505;
const MUTABLE = new Set([
  'HTTPRouteGroup',
  'TCPRoute',
  'TrafficTarget',
  'TrafficSplit',
  'Egress',
  'IngressBackend',
  'MeshConfig',
]);

/** Values that are at odds with what fields are for. */
const ODD: readonly unknown[] = [
  null,
  '',
  ' ',
  '\0',
  '*',
  '*.',
  '*.*',
  '..',
  '.*',
  '(',
  '[a',
  '(?P<n>a)',
  '\\C',
  '(a{1000}){1000}',
  '[a-z]{1,1000}',
  'a'.repeat(5000),
  'é',
  '\ud800',
  'x\r\ny: z',
  ':path',
  ':method',
  'host',
  '%DOWNSTREAM_REMOTE_ADDRESS%',
  '__proto__',
  'constructor',
  '0.0.0.0/0',
  '::/0',
  '10.0.0.0/33',
  '1.2.3/8',
  'tcp',
  'HTTPS',
  -1,
  0,
  0.5,
  65_535,
  65_536,
  4_294_967_295,
  2_147_483_647,
  Number.MAX_SAFE_INTEGER,
  true,
  [],
  {},
  [[]],
  [null],
  { name: 'm0' },
];

/** The same JSON with something in it changed. */
function mutate(json: unknown, draw: Draw): unknown {
  if (draw.chance(8) || typeof json !== 'object' || json === null) return draw.chance(60) ? draw.one(ODD) : json;
  if (Array.isArray(json)) {
    if (json.length === 0 || draw.chance(10)) return [...json, draw.one(ODD)];
    const at = draw.below(json.length);
    if (draw.chance(15)) return [...json, json[at]];
    return json.map((item, index) => (index === at ? mutate(item, draw) : item));
  }
  const entries = Object.entries(json);
  if (entries.length === 0 || draw.chance(8)) return { ...json, [String(draw.one(ODD))]: draw.one(ODD) };
  const [key, value] = draw.one(entries);
  if (draw.chance(10)) return Object.fromEntries(entries.filter(([each]) => each !== key));
  return { ...json, [key]: mutate(value, draw) };
}

const broken = (world: readonly MeshObject[], draw: Draw): { readonly world: MeshObject[]; readonly count: number } => {
  let count = 0;
  const changed = world.map((object) => {
    if (!MUTABLE.has(object.kind) || !draw.chance(70)) return object;
    count++;
    return { ...object, spec: mutate(draw.chance(40) ? mutate(object.spec, draw) : object.spec, draw) };
  });
  return { world: changed, count };
};

/** All resources of every proxy of a world, each by itself. */
function plans(world: readonly MeshObject[]): readonly (readonly Resource[])[] {
  const snapshot = readSnapshot(meshOf(world));
  policyFaults(snapshot);
  return [...snapshot.workloads.values()].flatMap(({ identity, namespace, name }) => {
    const plan = planProxy(snapshot, { identity, pod: { namespace, name } });
    return plan === undefined ? [] : [toResources(plan)];
  });
}

/** Resources of many proxies under names of their own, as one Envoy takes each name once. */
function renamed(all: readonly (readonly Resource[])[]): readonly Resource[] {
  const byText = new Map<string, Resource>();
  for (const resources of all) {
    for (const resource of resources) {
      // What differs is judged, whatever its name; references by name need not lead anywhere for that.
      const text = `${resource.typeUrl} ${JSON.stringify(resource.json)}`;
      if (byText.has(text)) continue;
      const name = `${byText.size}:${resource.name}`;
      const key = resource.typeUrl.endsWith('ClusterLoadAssignment') ? 'clusterName' : 'name';
      // Listeners are bound each to a port of its own.
      const address = { socketAddress: { address: '127.0.0.1', portValue: 1024 + byText.size } };
      const isListener = resource.typeUrl.endsWith('Listener');
      byText.set(text, { ...resource, name, json: { ...resource.json, [key]: name, ...(isListener && { address }) } });
    }
  }
  return [...byText.values()];
}

async function refused(resources: readonly Resource[]): Promise<string | undefined> {
  const { ok, output } = await validateResources(resources);
  return ok ? undefined : output;
}

test(`${OBJECTS} broken objects stop nothing, and Envoy refuses nothing of what comes of them`, async () => {
  let count = 0;
  let batch: Resource[][] = [];
  for (let seed = SEED; count < OBJECTS; seed++) {
    const draw = drawFrom(seed);
    const { world, count: more } = broken(drawWorld(draw), draw);
    count += more;
    try {
      for (const resources of plans(world)) {
        for (const resource of resources) encode(resource);
        batch.push([...resources]);
      }
    } catch (error) {
      throw new Error(`seed ${seed}: ${JSON.stringify(world.filter(({ kind }) => MUTABLE.has(kind)))}`, {
        cause: error,
      });
    }
    if (batch.length < 400 && count < OBJECTS) continue;
    const output = await refused(renamed(batch));
    assert.equal(output, undefined, `up to seed ${seed}`);
    batch = [];
  }
});
