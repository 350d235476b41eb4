import type { SecurityContext } from './pod.ts';

/** Every capability that a pod may name (capabilities(7)), without `CAP_` and in the lower case that setpriv reads. */
const KNOWN = new Set(
  (
    'audit_control audit_read audit_write block_suspend bpf checkpoint_restore chown dac_override dac_read_search fowner fsetid ' +
    'ipc_lock ipc_owner kill lease linux_immutable mac_admin mac_override mknod net_admin net_bind_service net_broadcast net_raw ' +
    'perfmon setfcap setgid setpcap setuid sys_admin sys_boot sys_chroot sys_module sys_nice sys_pacct sys_ptrace sys_rawio ' +
    'sys_resource sys_time sys_tty_config syslog wake_alarm'
  ).split(' '),
);

/**
 * What a container has unless it says otherwise: the usual set of container runtimes without MKNOD and SETFCAP, which
 * could only harm the file systems that pods share here.
 */
const DEFAULT = Object.freeze(
  'audit_write chown dac_override fowner fsetid kill net_bind_service net_raw setgid setpcap setuid sys_chroot'.split(
    ' ',
  ),
);

/** A container's configuration that can never start; shown as CreateContainerConfigError. */
export class ContainerConfigError extends Error {
  override readonly name = 'ContainerConfigError';
}

/**
 * What no pod gets, however privileged: with them it could undo the read-only view of the machine, on which every pod's
 * root file system rests. Asking for one of them by name is reported as not supported.
 */
export const WITHHELD: readonly string[] = Object.freeze(['mknod', 'sys_admin', 'sys_boot', 'sys_module', 'sys_rawio']);

/** A capability bounding set, by what it holds or by what it lacks (so that no name unknown to an old kernel is needed). */
export type CapabilitySet =
  | { readonly kind: 'only'; readonly names: readonly string[] }
  | { readonly kind: 'allBut'; readonly names: readonly string[] };

/**
 * The capability bounding set of a container, names sorted. Capabilities count in the cluster's own user namespace, never on
 * the host; `privileged` is all but {@link WITHHELD}. Throws {@link ContainerConfigError} for a name that no kernel knows.
 */
export function capabilities(context: SecurityContext | undefined): CapabilitySet {
  if (context?.privileged) return { kind: 'allBut', names: WITHHELD };
  const drop = (context?.capabilities?.drop ?? []).map(known);
  const add = (context?.capabilities?.add ?? []).map(known);
  if (add.includes('all')) {
    return { kind: 'allBut', names: [...new Set([...WITHHELD, ...drop.filter((name) => name !== 'all')])].sort() };
  }
  const kept = drop.includes('all') ? [] : DEFAULT.filter((name) => !drop.includes(name));
  return { kind: 'only', names: [...new Set([...kept, ...add])].filter((name) => !WITHHELD.includes(name)).sort() };
}

/** Capabilities that a container names and that are withheld from it. */
export function withheld(context: SecurityContext | undefined): readonly string[] {
  return (context?.capabilities?.add ?? []).filter((name) =>
    WITHHELD.includes(name.toLowerCase().replace(/^cap_/, '')),
  );
}

function known(name: string): string {
  const lower = name.toLowerCase().replace(/^cap_/, '');
  if (lower !== 'all' && !KNOWN.has(lower))
    throw new ContainerConfigError(`unknown capability ${JSON.stringify(name)}`);
  return lower;
}
