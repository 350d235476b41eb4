import { readFileSync } from 'node:fs';
import { ContainerConfigError } from './capabilities.ts';
import type { Identity } from './identity.ts';

/** True when the id exists in the user namespace whose uid_map or gid_map is `map` (user_namespaces(7)). */
export function isMapped(id: number, map: string): boolean {
  return map
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .some(([inside = 0, , count = 0]) => id >= inside && id < inside + count);
}

/** Throws {@link ContainerConfigError} when a container asks for an id that the cluster's user namespace does not have. */
export function checkMapped(
  identity: Identity,
  uids = readFileSync('/proc/self/uid_map', 'utf8'),
  gids = readFileSync('/proc/self/gid_map', 'utf8'),
): void {
  const fault = (what: string, id: number): never => {
    throw new ContainerConfigError(
      `${what} ${id} does not exist in the cluster's user namespace; use an id from 0 to 65535`,
    );
  };
  if (!isMapped(identity.uid, uids)) fault('user', identity.uid);
  for (const gid of [identity.gid, ...identity.groups]) if (!isMapped(gid, gids)) fault('group', gid);
}
