import { type CapabilitySet, ContainerConfigError, capabilities } from './capabilities.ts';
import type { Container, Pod } from './pod.ts';

/** The process credentials of a container. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly home: string;
  readonly capabilities: CapabilitySet;
}

/** The user database of a root file system: the text of /etc/passwd and /etc/group ('' when absent). */
export interface UserDatabase {
  readonly passwd: string;
  readonly group: string;
}

/**
 * Who a container runs as: securityContext over pod securityContext over the image's user (name or number, optionally
 * `user:group`) over root. Throws {@link ContainerConfigError} when runAsNonRoot cannot be held.
 */
export function identityOf(
  pod: Pod,
  container: Container,
  imageUser: string | undefined,
  users: UserDatabase,
): Identity {
  const own = container.securityContext;
  const shared = pod.spec.securityContext;
  const runAsUser = own?.runAsUser ?? shared?.runAsUser;
  const image = parseUser(imageUser ?? '', users);
  const nonRoot = own?.runAsNonRoot ?? shared?.runAsNonRoot ?? false;
  if (nonRoot && runAsUser === undefined && image.named) {
    throw new ContainerConfigError(
      `container has runAsNonRoot and image has non-numeric user (${imageUser}), cannot verify user is non-root`,
    );
  }
  const uid = runAsUser ?? image.uid;
  if (nonRoot && uid === 0) {
    throw new ContainerConfigError(
      runAsUser === 0
        ? "container's runAsUser breaks non-root policy"
        : 'container has runAsNonRoot and image will run as root; set runAsUser',
    );
  }
  const entry = passwdEntry(users.passwd, (fields) => fields[2] === String(uid));
  const gid =
    own?.runAsGroup ??
    shared?.runAsGroup ??
    (runAsUser === undefined ? image.gid : undefined) ??
    numberOf(entry?.[3]) ??
    0;
  const groups = new Set<number>(shared?.supplementalGroups ?? []);
  if (shared?.fsGroup !== undefined) groups.add(shared.fsGroup);
  if (entry?.[0]) for (const group of groupsOf(users.group, entry[0])) groups.add(group);
  return {
    uid,
    gid,
    groups: [...groups].sort((a, b) => a - b),
    home: entry?.[5] || (uid === 0 ? '/root' : '/'),
    capabilities: capabilities(own),
  };
}

/** Arguments of setpriv(1) that take on an identity; the program follows. */
export function setprivArguments(identity: Identity): readonly string[] {
  return [
    '--reuid',
    String(identity.uid),
    '--regid',
    String(identity.gid),
    ...(identity.groups.length > 0 ? ['--groups', identity.groups.join(',')] : ['--clear-groups']),
    `--bounding-set=${boundingSet(identity.capabilities)}`,
    '--inh-caps=-all',
    '--no-new-privs',
  ];
}

function boundingSet({ kind, names }: CapabilitySet): string {
  const sign = kind === 'only' ? '+' : '-';
  return [...(kind === 'only' ? ['-all'] : []), ...names.map((name) => `${sign}${name}`)].join(',');
}

function parseUser(text: string, users: UserDatabase): { uid: number; gid: number | undefined; named: boolean } {
  const [user = '', group = ''] = text.split(':');
  if (user === '') return { uid: 0, gid: groupNumber(group, users), named: false };
  const number = numberOf(user);
  if (number !== undefined) return { uid: number, gid: groupNumber(group, users), named: false };
  const entry = passwdEntry(users.passwd, (fields) => fields[0] === user);
  const uid = numberOf(entry?.[2]);
  if (uid === undefined)
    throw new ContainerConfigError(`the image's user ${JSON.stringify(user)} is not in its /etc/passwd`);
  return { uid, gid: groupNumber(group, users) ?? numberOf(entry?.[3]), named: true };
}

function groupNumber(group: string, users: UserDatabase): number | undefined {
  if (group === '') return undefined;
  const number = numberOf(group) ?? numberOf(passwdEntry(users.group, (fields) => fields[0] === group)?.[2]);
  if (number === undefined)
    throw new ContainerConfigError(`the image's group ${JSON.stringify(group)} is not in its /etc/group`);
  return number;
}

function passwdEntry(text: string, matches: (fields: readonly string[]) => boolean): readonly string[] | undefined {
  return text
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields.length > 2 && matches(fields));
}

function groupsOf(text: string, user: string): readonly number[] {
  return text
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields[3]?.split(',').includes(user))
    .map((fields) => numberOf(fields[2]))
    .filter((gid) => gid !== undefined);
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
