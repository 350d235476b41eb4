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
 * The capability bounding set of a container, sorted; `all` for a privileged one. They count in the cluster's own user
 * namespace, never on the host. Throws {@link ContainerConfigError} for a name that no kernel knows.
 */
export function capabilities(context: SecurityContext | undefined): readonly string[] | 'all' {
  if (context?.privileged) return 'all';
  const drop = (context?.capabilities?.drop ?? []).map(known);
  const add = (context?.capabilities?.add ?? []).map(known);
  const kept = drop.includes('all') ? [] : DEFAULT.filter((name) => !drop.includes(name));
  if (add.includes('all')) return [...KNOWN].filter((name) => !drop.includes(name)).sort();
  return [...new Set([...kept, ...add])].sort();
}

function known(name: string): string {
  const lower = name.toLowerCase().replace(/^cap_/, '');
  if (lower !== 'all' && !KNOWN.has(lower))
    throw new ContainerConfigError(`unknown capability ${JSON.stringify(name)}`);
  return lower;
}
