import type { Part } from '../component.ts';
import type { Architecture } from '../oci/image.ts';
import { directory, file, symlink, type TreeEntry } from '../oci/tree.ts';
import { type DebianPackages, usrMerge, type WantedPackage } from './debian.ts';

/** User and group that the chart runs the control plane as. */
export const USER = { uid: 1000, gid: 3000, name: 'osm' } as const;

/** The C library: what programs link against, and the name services that it loads by itself. */
const C_LIBRARY: WantedPackage = {
  name: 'libc6',
  files: /\/(ld-linux-[^/]+|(libc|libm|libdl|libpthread|librt|libresolv|libnss_(dns|files))\.so\.\d)$/,
};

/** What every image has. */
export const BASE_PACKAGES: readonly WantedPackage[] = [
  { name: 'base-files', files: /^(etc\/(os-release|debian_version)|usr\/lib\/os-release)$/ },
  C_LIBRARY,
];

/** What Node.js, and nothing else, needs beyond the C library. */
const FOR_NODE: readonly WantedPackage[] = [
  { name: 'libgcc-s1', files: /\/libgcc_s\.so\.1$/ },
  { name: 'libstdc++6', files: /\/libstdc\+\+\.so\.6[.\d]*$/ },
  { name: 'libatomic1', files: /\/libatomic\.so\.1[.\d]*$/ },
];

const CERTIFICATES: WantedPackage = {
  name: 'ca-certificates',
  files: /^usr\/share\/ca-certificates\/mozilla\/.*\.crt$/,
};

/** A shell. */
export const SHELL: readonly WantedPackage[] = [{ name: 'dash', files: /^usr\/bin\/(dash|sh)$/ }];

/** A shell, and iptables on nftables (`iptables-legacy-restore` for kernels without). */
const FOR_REDIRECTION: readonly WantedPackage[] = [
  ...SHELL,
  {
    name: 'iptables',
    files: /^usr\/sbin\/(xtables-(nft|legacy)-multi|ip6?tables-(nft|legacy)(-restore|-save)?)$|\/xtables\/[^/]+\.so$/,
  },
  ...[
    'libxtables12',
    'libmnl0',
    'libnftnl11',
    'libip4tc2',
    'libip6tc2',
    'libnetfilter-conntrack3',
    'libnfnetlink0',
  ].map((name) => ({
    name,
    files: /\.so\.[.\d]+$/,
  })),
];

const FOUNDATION: readonly TreeEntry[] = [
  file(
    'etc/passwd',
    `root:x:0:0:root:/:/sbin/nologin\nosm:x:${USER.uid}:${USER.gid}:osm:/:/sbin/nologin\nenvoy:x:1500:1500:envoy:/:/sbin/nologin\n`,
  ),
  file('etc/group', `root:x:0:\nosm:x:${USER.gid}:\nenvoy:x:1500:\n`),
  file('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n'),
  directory('tmp', 0o1777),
  directory('run'),
  directory('proc'),
  directory('sys'),
  directory('dev'),
];

/** The certificates of a package as one file, where OpenSSL's programs look. */
function certificateBundle(part: Part): Part {
  const all = part.entries.filter((entry) => entry.path.endsWith('.crt'));
  if (all.length === 0) return part;
  const contents = all.map((entry) => (entry.type === 'file' ? entry.content.toString('latin1').trim() : ''));
  return {
    ...part,
    entries: [
      ...part.entries.filter((entry) => !all.includes(entry)),
      file('etc/ssl/certs/ca-certificates.crt', `${contents.join('\n')}\n`),
    ],
  };
}

/** Packages, and the files that every root file system has. */
export async function foundation(
  debian: DebianPackages,
  architecture: Architecture,
  title: string,
  wanted: readonly WantedPackage[],
): Promise<Part> {
  const part = certificateBundle(await debian.take(title, wanted));
  return { ...part, entries: [...usrMerge(architecture), ...FOUNDATION, ...part.entries] };
}

/** What programs find under Node.js. */
export const nodeBase = (debian: DebianPackages, architecture: Architecture): Promise<Part> =>
  foundation(debian, architecture, 'C and C++ libraries, certificates', [...BASE_PACKAGES, ...FOR_NODE, CERTIFICATES]);

/** What Envoy needs: the C library. */
export const envoyBase = (debian: DebianPackages, architecture: Architecture): Promise<Part> =>
  foundation(debian, architecture, 'C library, certificates', [...BASE_PACKAGES, CERTIFICATES]);

/** The image of the init container: a shell and iptables. */
export async function redirectionBase(debian: DebianPackages, architecture: Architecture): Promise<Part> {
  const part = await foundation(debian, architecture, 'C library, shell, iptables', [
    ...BASE_PACKAGES,
    ...FOR_REDIRECTION,
  ]);
  const names = ['iptables', 'iptables-restore', 'iptables-save', 'ip6tables', 'ip6tables-restore', 'ip6tables-save'];
  return {
    ...part,
    entries: [...part.entries, ...names.map((name) => symlink(`usr/sbin/${name}`, 'xtables-nft-multi'))],
  };
}
