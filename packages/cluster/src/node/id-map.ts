import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';

/** One line of a user namespace's uid_map or gid_map: `count` ids from `inside` on stand for those from `outside` on. */
export interface IdRange {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

/** How the ids of the cluster's user namespace stand for ids of the machine. */
export interface IdMap {
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
  /** False when the caller may write the maps itself (root), true when newuidmap(1) must. */
  readonly subordinate: boolean;
}

/** No id map can be made for the calling user; the message names the remedy. */
export class IdMapError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'IdMapError';
  }
}

/** Ids a pod may use: 0 to 65535, as images expect. */
const ID_COUNT = 65536;

/**
 * The id map of the calling user. Root gets the ids of the machine themselves; an ordinary user becomes root inside and lends
 * its subordinate ids (subuid(5), subgid(5)) for the rest. Throws {@link IdMapError}.
 */
export function idMapOfCaller(): IdMap {
  const { uid, gid, username } = userInfo();
  if (uid === 0) {
    const all = [{ inside: 0, outside: 0, count: ID_COUNT }];
    return { uids: all, gids: all, subordinate: false };
  }
  return {
    uids: subordinate(uid, readIds('/etc/subuid'), username, uid, '/etc/subuid'),
    gids: subordinate(gid, readIds('/etc/subgid'), username, uid, '/etc/subgid'),
    subordinate: true,
  };
}

/** Finds a user's first large enough range in the text of subuid(5) or subgid(5). */
export function findSubordinateRange(
  text: string,
  username: string,
  uid: number,
): { start: number; count: number } | undefined {
  return text
    .split('\n')
    .map((line) => line.trim().split(':'))
    .filter(([owner]) => owner === username || owner === String(uid))
    .map(([, start, count]) => ({ start: Number(start), count: Number(count) }))
    .find(({ start, count }) => Number.isInteger(start) && count >= ID_COUNT - 1);
}

function subordinate(own: number, text: string, username: string, uid: number, file: string): readonly IdRange[] {
  const range = findSubordinateRange(text, username, uid);
  if (!range) {
    throw new IdMapError(
      `${file} gives user ${username} no ${ID_COUNT} subordinate ids, which pods need for their users: ` +
        `run as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${username}`,
    );
  }
  return [
    { inside: 0, outside: own, count: 1 },
    { inside: 1, outside: range.start, count: ID_COUNT - 1 },
  ];
}

function readIds(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
