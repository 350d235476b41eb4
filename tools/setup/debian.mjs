import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { SetupError } from './project.mjs';
import { run } from './run.mjs';

/** Programs that the project calls, with the Debian or Ubuntu package of each. */
const PROGRAMS = [
  ['bwrap', 'bubblewrap'],
  ['ip', 'iproute2'],
  ['iptables', 'iptables'],
  ['nft', 'nftables'],
  ['newuidmap', 'uidmap'],
  ['unshare', 'util-linux'],
  ['tcpdump', 'tcpdump'],
  ['openssl', 'openssl'],
  ['mariadbd', 'mariadb-server-core'],
  ['redis-check-rdb', 'redis-tools'],
  ['mariadb-install-db', 'mariadb-server-core'],
  ['my_print_defaults', 'mariadb-client-core'],
];

/** Ordinary users do not always have these in PATH. */
const SYSTEM_DIRECTORIES = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];

function isInstalled(program) {
  const directories = [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM_DIRECTORIES];
  return directories.some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const missing = () => [...new Set(PROGRAMS.filter(([program]) => !isInstalled(program)).map(([, name]) => name))];

/** Installs Debian packages that are missing, as root; an ordinary user gets one line that says what to install. */
export async function installDebianPackages(progress) {
  const packages = missing();
  if (packages.length === 0) return;
  const command = `apt-get install --yes --no-install-recommends ${packages.join(' ')}`;
  if (process.getuid() !== 0) throw new SetupError(`missing programs; install them with: sudo ${command}`);
  if (!isInstalled('apt-get')) {
    throw new SetupError(
      `missing programs, and this system has no apt-get; install what brings: ${packages.join(', ')}`,
    );
  }
  await progress(`Debian packages ${packages.join(', ')}`, async () => {
    const install = () => run('apt-get', command.split(' ').slice(1), { env: { DEBIAN_FRONTEND: 'noninteractive' } });
    // Package lists may be old or absent; they are fetched only when they do not do.
    await install().catch(async () => {
      await run('apt-get', ['update']);
      await install();
    });
  });
  const still = missing();
  if (still.length > 0)
    throw new SetupError(`${command} went well, but programs of these are still missing: ${still.join(', ')}`);
}
