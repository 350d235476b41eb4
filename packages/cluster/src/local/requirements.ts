import { accessSync, constants, existsSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { IdMapError, idMapOfCaller } from '../node/id-map.ts';
import { isolated, runInUserNamespace } from '../node/namespaces.ts';
import { PROGRAM_PATH } from '../node/run.ts';

/** The machine cannot run a cluster as it is; the message names what is missing and the command that helps. */
export class RequirementError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RequirementError';
  }
}

/** Programs that a cluster calls, with the Debian package that brings each. */
const PROGRAMS: readonly (readonly [program: string, debianPackage: string])[] = [
  ['bwrap', 'bubblewrap'],
  ['ip', 'iproute2'],
  ['iptables', 'iptables'],
  ['nft', 'nftables'],
  ['unshare', 'util-linux'],
  ['nsenter', 'util-linux'],
  ['setpriv', 'util-linux'],
  ['script', 'bsdutils'],
  ['mount', 'mount'],
  ['ldd', 'libc-bin'],
];
/** Only an ordinary user needs these. */
const USER_PROGRAMS: readonly (readonly [program: string, debianPackage: string])[] = [
  ['newuidmap', 'uidmap'],
  ['newgidmap', 'uidmap'],
];

/** A cluster's state, logs and a few pods' files. */
const MIN_FREE_BYTES = 64 * 2 ** 20;

/** What the checks ask of the machine; replaced in tests. */
export interface Machine {
  readonly root: boolean;
  hasProgram(name: string): boolean;
  /** Text of a kernel setting below /proc/sys; undefined when the kernel has none such. */
  setting(path: string): string | undefined;
  /** Throws IdMapError. */
  idMap(): unknown;
  /** Rejects with what failed; see {@link PROBE}. */
  probe(): Promise<void>;
  freeBytes(directory: string): number;
  isWritable(directory: string): boolean;
}

/**
 * Tries in throw-away namespaces what a cluster will do. The last line of its standard error names what failed.
 */
const PROBE = `fail() { echo "osm: $1" >&2; exit 1; }
mount -n -t tmpfs tmpfs /run || fail 'private mounts'
ip link set lo up && ip link add osm0 type bridge || fail 'network bridges (bridge)'
ip link add osm1 type veth peer name osm2 || fail 'virtual network links (veth)'
mkdir /run/netns && ip netns add osm || fail 'named network namespaces'
nft 'add table ip osm; add chain ip osm c { type nat hook prerouting priority -100; }; add rule ip osm c meta l4proto tcp dnat ip to numgen random mod 2 map { 0 : 127.0.0.1 . 1, 1 : 127.0.0.1 . 2 }; add chain ip osm f { type filter hook forward priority 0; }; add rule ip osm f meta l4proto tcp reject with tcp reset' || fail 'address translation (nf_tables, nft_nat, nft_numgen, nft_reject_ipv4)'
iptables -t nat -A OUTPUT -p tcp -m owner ! --uid-owner 1500 -j REDIRECT --to-ports 15001 || fail 'redirection of connections (xt_owner, xt_REDIRECT, nft_compat)'
bwrap --ro-bind / / --proc /proc --dev /dev --unshare-pid true || fail 'sandboxes (bwrap)'`;

/** Checks programs, user namespaces, kernel features, the directory and the port, and creates nothing. Rejects with {@link RequirementError}. */
export async function checkRequirements(home: string, port: number, machine: Machine = thisMachine()): Promise<void> {
  checkPrograms(machine);
  checkDirectory(home, machine);
  checkUserNamespaces(machine);
  await Promise.all([checkPort(port), checkKernel(machine)]);
}

function checkPrograms(machine: Machine): void {
  const missing = [...PROGRAMS, ...(machine.root ? [] : USER_PROGRAMS)].filter(
    ([program]) => !machine.hasProgram(program),
  );
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(([, debianPackage]) => debianPackage))];
  throw new RequirementError(
    `missing programs: ${missing.map(([program]) => program).join(', ')}: install them: ${machine.root ? '' : 'sudo '}apt-get install ${packages.join(' ')}`,
  );
}

function checkDirectory(home: string, machine: Machine): void {
  let existing = home;
  while (!existsSync(existing) && existing !== '/') existing = dirname(existing);
  if (!statSync(existing).isDirectory())
    throw new RequirementError(`${existing} is not a directory: set OSM_LOCAL_HOME to one that may be written`);
  if (!machine.isWritable(existing))
    throw new RequirementError(`the directory ${existing} cannot be written: set OSM_LOCAL_HOME to one that can`);
  const free = machine.freeBytes(existing);
  if (free < MIN_FREE_BYTES) {
    throw new RequirementError(
      `the disk that holds ${existing} is full (${Math.floor(free / 2 ** 20)} MiB free, ${MIN_FREE_BYTES / 2 ** 20} MiB needed): free some, or set OSM_LOCAL_HOME to a directory of another disk`,
    );
  }
}

function checkUserNamespaces(machine: Machine): void {
  const refusals: readonly (readonly [path: string, wrong: (value: string) => boolean, remedy: string])[] = [
    ['user/max_user_namespaces', (value) => Number(value) === 0, 'sysctl -w user.max_user_namespaces=10000'],
    ['user/max_net_namespaces', (value) => Number(value) === 0, 'sysctl -w user.max_net_namespaces=10000'],
    ...(machine.root
      ? []
      : ([
          [
            'kernel/unprivileged_userns_clone',
            (value: string) => value === '0',
            'sysctl -w kernel.unprivileged_userns_clone=1',
          ],
          [
            'kernel/apparmor_restrict_unprivileged_userns',
            (value: string) => value === '1',
            'sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
          ],
        ] as const)),
  ];
  for (const [path, wrong, remedy] of refusals) {
    const value = machine.setting(path);
    if (value === undefined || !wrong(value)) continue;
    throw new RequirementError(
      `this machine does not allow user namespaces (${path.replace('/', '.')} is ${value}): run as root: ${remedy}`,
    );
  }
  try {
    machine.idMap();
  } catch (error) {
    throw error instanceof IdMapError ? new RequirementError(error.message) : error;
  }
}

async function checkKernel(machine: Machine): Promise<void> {
  try {
    await machine.probe();
  } catch (error) {
    const said = (error instanceof Error ? error.message : String(error)).trim();
    const feature = /^osm: (.*)$/m.exec(said)?.[1];
    const cause = said
      .split('\n')
      .filter((line) => !line.startsWith('osm: '))
      .join('; ');
    if (feature === undefined) {
      throw new RequirementError(
        `this machine does not allow user namespaces (${cause}): inside a container, run it with: --security-opt seccomp=unconfined --security-opt apparmor=unconfined, or as a privileged one`,
      );
    }
    const modules = /\((.*)\)/.exec(feature)?.[1]?.replaceAll(',', '') ?? '';
    throw new RequirementError(
      `the kernel lacks ${feature} (${cause})${modules === '' || modules === 'bwrap' ? '' : `: load the modules as root: modprobe -a ${modules}`}`,
    );
  }
}

async function checkPort(port: number): Promise<void> {
  if (!(await isPortFree(port))) {
    throw new RequirementError(
      `port ${port} of 127.0.0.1 is taken or not allowed: choose another with --port, or leave --port out`,
    );
  }
}

/** Whether this user can listen on a port of 127.0.0.1 now; 0 always can. */
export async function isPortFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** The machine this runs on. */
export function thisMachine(): Machine {
  return {
    root: userInfo().uid === 0,
    hasProgram: (name) => PROGRAM_PATH.split(':').some((directory) => isExecutable(join(directory, name))),
    setting: (path) => {
      try {
        return readFileSync(`/proc/sys/${path}`, 'utf8').trim();
      } catch {
        return undefined;
      }
    },
    idMap: () => idMapOfCaller(),
    probe: () => runInUserNamespace(isolated(['/bin/sh', '-c', PROBE])),
    freeBytes: (directory) => {
      const { bavail, bsize } = statfsSync(directory);
      return bavail * bsize;
    },
    isWritable: (directory) => may(directory, constants.W_OK | constants.X_OK),
  };
}

function isExecutable(path: string): boolean {
  return may(path, constants.X_OK);
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
