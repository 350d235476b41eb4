import { type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Where an ordinary user sees the project, whoever may enter its real place. */
const SEEN_AT = '/mnt';
const TEST_USER = 'osm-test';

/** An account with ranges of subordinate ids, as every ordinary user of Debian and Ubuntu has them. */
interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

function accounts(): readonly Account[] {
  const ranges = new Set(
    readFileSync('/etc/subuid', 'utf8')
      .split('\n')
      .map((line) => line.split(':')[0]),
  );
  return readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .filter(([name = '', , uid]) => Number(uid) >= 1000 && ranges.has(name))
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }));
}

/** The ordinary user that root tests as: one that exists, else one made for it. Throws when none can be made. */
function ordinaryAccount(): Account {
  const [known] = accounts();
  if (known !== undefined) return known;
  const made = spawnSync('useradd', ['--create-home', '--shell', '/bin/sh', TEST_USER], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`no ordinary user to test with, and useradd failed: ${made.stderr}`);
  const account = accounts().find((each) => each.name === TEST_USER);
  if (account === undefined)
    throw new Error(`user ${TEST_USER} has no range in /etc/subuid: usermod --add-subuids 100000-165535 ${TEST_USER}`);
  return account;
}

/** A user that programs of the project can be run as. */
export interface TestUser {
  readonly name: string;
  /** Runs a TypeScript program of the project with a home directory of its own. */
  run(program: string, args: readonly string[], options?: SpawnOptions): ReturnType<typeof spawn>;
  /** Removes the home directory. */
  end(): void;
}

function home(owner?: Account): string {
  const directory = mkdtempSync(join(tmpdir(), 'osm-home-'));
  mkdirSync(join(directory, 'tmp'));
  if (owner !== undefined) {
    chownSync(directory, owner.uid, owner.gid);
    chownSync(join(directory, 'tmp'), owner.uid, owner.gid);
  }
  return directory;
}

const environment = (directory: string): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: directory,
  TMPDIR: join(directory, 'tmp'),
  OSM_LOCAL_HOME: join(directory, 'clusters'),
});

const nodeOf = (root: string): string => join(root, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node');
const FLAGS = ['--disable-warning=ExperimentalWarning'];

/** The user that runs the tests. */
export function currentUser(): TestUser {
  const directory = home();
  return {
    name: userInfo().username,
    run: (program, args, options = {}) =>
      spawn(nodeOf(ROOT), [...FLAGS, join(ROOT, program), ...args], {
        ...options,
        cwd: ROOT,
        env: environment(directory),
      }),
    end: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** An ordinary user, for root; it sees the project in a mount namespace of its own. Throws when there is and can be none. */
export function ordinaryUser(): TestUser {
  const account = ordinaryAccount();
  const directory = home(account);
  const script = `mount --bind "$1" ${SEEN_AT} && cd ${SEEN_AT} && shift && exec "$@"`;
  return {
    name: account.name,
    run: (program, args, options = {}) =>
      spawn(
        'unshare',
        [
          ...['--mount', 'sh', '-c', script, 'sh', ROOT],
          ...['setpriv', `--reuid=${account.uid}`, `--regid=${account.gid}`, '--init-groups'],
          ...[nodeOf(SEEN_AT), ...FLAGS, join(SEEN_AT, program), ...args],
        ],
        { ...options, env: environment(directory) },
      ),
    end: () => rmSync(directory, { recursive: true, force: true }),
  };
}
