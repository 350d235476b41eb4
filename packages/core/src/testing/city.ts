import type { MeshObject } from '../model/objects.ts';
import { namespace, permissive, policy, trafficTarget, workload } from './objects.ts';

const address = (block: number, index: number): string => `10.${block}.${index >> 8}.${index & 255}`;

/**
 * A large mesh: `size` workloads `city-<n>/app-<n>`, ten to a namespace, each with a service of its own. Without
 * permissive mode each may call the ten next ones.
 */
export function city(size: number, mode: 'permissive' | 'policies'): MeshObject[] {
  const spaces = Math.ceil(size / 10);
  const place = (index: number): string => `city-${Math.floor((index % size) / 10)}/app-${index % size}`;
  const objects: MeshObject[] = [];
  for (let space = 0; space < spaces; space++) {
    objects.push(namespace(`city-${space}`));
    const matches = [
      { name: 'read', pathRegex: '/api/.*', methods: ['GET', 'HEAD'] },
      { name: 'write', pathRegex: '/api/v[12]/items', methods: ['POST'], headers: { 'x-tenant': '[a-z]+' } },
    ];
    objects.push(policy('HTTPRouteGroup', `city-${space}/routes`, { matches }));
  }
  for (let index = 0; index < size; index++) {
    objects.push(
      ...workload(place(index), address(1, index), address(96, index), { name: 'http', port: 80, targetPort: 8080 }),
    );
    if (mode === 'permissive') continue;
    const sources = Array.from({ length: 10 }, (_, before) => place(index - 1 - before + size));
    const rules = [{ kind: 'HTTPRouteGroup', name: 'routes', matches: ['read', 'write'] }];
    objects.push(trafficTarget(`to-${index}`, place(index), sources, rules));
  }
  if (mode === 'permissive') objects.push(permissive());
  return objects;
}
