/** Prints how fast plans and decisions are made: `node packages/core/src/testing/bench.ts`. */
import { decide } from '../decide/decide.ts';
import type { MeshObject, MeshObjects } from '../model/objects.ts';
import { readSnapshot } from '../model/read.ts';
import { createPlanCache } from '../plan/cache.ts';
import { planProxy } from '../plan/plan.ts';
import type { ProxyPlan } from '../plan/types.ts';
import { city } from './city.ts';
import { meshOf } from './mesh.ts';
import { slice } from './objects.ts';

const SIZE = Number(process.argv[2] ?? 1000);

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

function timed<T>(what: string, run: () => T): T {
  const start = process.hrtime.bigint();
  const result = run();
  print(`  ${what.padEnd(52)} ${(Number(process.hrtime.bigint() - start) / 1e6).toFixed(2).padStart(9)} ms`);
  return result;
}

const withObject = (objects: MeshObjects, map: 'endpointSlices', object: MeshObject): MeshObjects => {
  const changed = new Map(objects[map]);
  changed.set(`${object.metadata.namespace}/${object.metadata.name}`, object);
  return { ...objects, [map]: changed };
};

function planAll(
  objects: MeshObjects,
  snapshot = readSnapshot(objects),
  cache = createPlanCache(),
): Map<string, ProxyPlan> {
  const plans = new Map<string, ProxyPlan>();
  for (const [key, { identity, namespace, name }] of snapshot.workloads) {
    const plan = planProxy(snapshot, { identity, pod: { namespace, name } }, cache);
    if (plan) plans.set(key, plan);
  }
  return plans;
}

for (const mode of ['permissive', 'policies'] as const) {
  print(`${mode}: ${SIZE} services, ${SIZE} proxies`);
  const objects = meshOf(city(SIZE, mode));
  const cache = createPlanCache();
  const first = timed('first snapshot', () => readSnapshot(objects));
  const plans = timed('first plans of every proxy', () => planAll(objects, first, cache));
  for (let round = 0; round < 3; round++) {
    const moved = slice('city-0/app-5', [{ name: 'http', port: 8080 }], [[`10.200.0.${round + 1}`, 'app-5-1']]);
    const next = withObject(objects, 'endpointSlices', moved);
    const snapshot = timed(`snapshot after an endpoint moved (${round + 1})`, () => readSnapshot(next, first));
    const after = timed('plans of every proxy after that', () => planAll(next, snapshot, cache));
    if (round > 0) continue;
    const changed = [...after].filter(([key, plan]) => plan !== plans.get(key)).length;
    print(`  plans that changed: ${changed} of ${after.size}`);
  }
  const calls = Array.from({ length: 1000 }, (_, index) => {
    const from = index % SIZE;
    const to = (from + 1 + (index % 10)) % SIZE;
    return {
      source: { namespace: `city-${Math.floor(from / 10)}`, serviceAccount: `app-${from}` },
      destination: { to: { namespace: `city-${Math.floor(to / 10)}`, name: `app-${to}` }, port: 80 },
      protocol: 'http' as const,
      method: index % 3 === 0 ? 'POST' : 'GET',
      path: index % 2 === 0 ? '/api/v1/items?page=1' : '/api/things/7',
      headers: { 'x-tenant': 'acme', 'user-agent': 'bench' },
    };
  });
  const rounds = 200;
  for (const call of calls) decide(first, call);
  const start = process.hrtime.bigint();
  let allowed = 0;
  for (let round = 0; round < rounds; round++) {
    for (const call of calls) if (decide(first, call).verdict === 'allowed') allowed++;
  }
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  print(
    `  decisions: ${Math.round((rounds * calls.length) / seconds)} per second (${allowed / rounds} of ${calls.length} allowed)`,
  );
}
