import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Part } from '../component.ts';
import type { Architecture } from '../oci/image.ts';
import { file } from '../oci/tree.ts';
import { BASE_PACKAGES, foundation, SHELL } from './base.ts';
import { PRODUCT_HOME } from './bundle.ts';
import type { DebianPackages, WantedPackage } from './debian.ts';

const LIBRARY = /\.so\.[.\d]+$/;

/** The database's server, what its installation calls, and their libraries. */
const PACKAGES: readonly WantedPackage[] = [
  {
    name: 'mariadb-server-core',
    files:
      /^usr\/(sbin\/mariadbd|bin\/(mariadb-install-db|resolveip)|share\/mysql\/([^/]+\.sql|(charsets|english)\/.*))$/,
  },
  { name: 'mariadb-client-core', files: /^usr\/bin\/my_print_defaults$/ },
  { name: 'coreutils', files: /^usr\/bin\/(cat|chmod|chown|dirname|mkdir|rm|uname)$/ },
  { name: 'sed', files: /^usr\/bin\/sed$/ },
  { name: 'hostname', files: /^usr\/bin\/hostname$/ },
  ...[
    ...['libgcc-s1', 'libstdc++6', 'libaio1', 'libcrypt1', 'libnuma1', 'libpcre2-8-0', 'libssl3', 'libsystemd0'],
    ...['liburing2', 'zlib1g', 'libcap2', 'libgcrypt20', 'libgpg-error0', 'liblz4-1', 'liblzma5', 'libzstd1'],
    ...['libacl1', 'libattr1', 'libselinux1'],
  ].map((name) => ({ name, files: LIBRARY })),
];

/** The database of the bookstore demo, with the script that starts it. */
export async function mariadb(root: string, debian: DebianPackages, architecture: Architecture): Promise<Part> {
  const wanted = [...BASE_PACKAGES, ...SHELL, ...PACKAGES];
  const part = await foundation(debian, architecture, 'MariaDB and its libraries, shell', wanted);
  return {
    ...part,
    entries: [...part.entries, file(`${PRODUCT_HOME}/mariadb.sh`, readFileSync(join(root, 'demo/apps/mariadb.sh')))],
  };
}
