import { USER } from './inputs/base.ts';
import { PRODUCT_HOME, type ProgramSource } from './inputs/bundle.ts';

/** Layers that images are made of; `images/parts.ts` makes them. */
export type Layering =
  | { readonly base: 'node'; readonly program: ProgramSource; readonly commandLine?: boolean }
  | { readonly base: 'envoy' }
  | { readonly base: 'redirection' }
  | { readonly base: 'mariadb' };

/** What one image is. Several names may stand for one content. */
export interface Recipe {
  /** File name of its bill of materials, and its title. */
  readonly title: string;
  readonly description: string;
  /** Repositories; each gets {@link Recipe.tags}. */
  readonly repositories: readonly string[];
  readonly tags: readonly string[];
  readonly licenses: string;
  readonly layering: Layering;
  /** `uid:gid`. */
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly arguments?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** A command that ends at once, whose time is that of a cold start. */
  readonly trial: readonly string[];
}

const NODE = '/usr/local/bin/node';
const program = (name: string): string => `/${PRODUCT_HOME}/${name}.mjs`;
const PERSON = `${USER.uid}:${USER.gid}`;

const CONTROL_PLANE: ProgramSource = { name: 'control-plane', main: 'packages/control-plane/src/main.ts' };
const COMMAND_LINE: ProgramSource = { name: 'osm', main: 'packages/cli/src/main.ts' };
const BOOKSTORE: ProgramSource = { name: 'bookstore', main: 'demo/apps/src/main.ts' };

/** Applications of the demo: one program, one image name for each. */
const APPLICATIONS = ['bookbuyer', 'bookthief', 'bookstore', 'bookwarehouse', 'purchase'];

/** Every image of a release. `envoy` is the version of Envoy. */
export function recipes(version: string, envoy: string): readonly Recipe[] {
  return [
    {
      title: 'osm-control-plane',
      description: 'Control plane of Open Service Mesh; the first argument says which part of it',
      repositories: ['controller', 'injector', 'bootstrap', 'preinstall', 'crds', 'healthcheck'].map(
        (part) => `openservicemesh/osm-${part}`,
      ),
      tags: [version],
      licenses: 'Apache-2.0',
      layering: { base: 'node', program: CONTROL_PLANE },
      user: PERSON,
      entrypoint: [NODE, program(CONTROL_PLANE.name)],
      environment: { NODE_ENV: 'production' },
      trial: ['--version'],
    },
    {
      title: 'osm-init',
      description: 'Redirects the connections of a pod to its sidecar: a shell and iptables',
      repositories: ['openservicemesh/init'],
      tags: [version],
      licenses: 'Apache-2.0',
      layering: { base: 'redirection' },
      user: '0:0',
      entrypoint: ['/bin/sh'],
      trial: ['-c', 'iptables-restore --version'],
    },
    {
      title: 'osm-envoy',
      description: 'Envoy, as sidecars run it',
      repositories: ['openservicemesh/envoy'],
      tags: [`v${envoy}`],
      licenses: 'Apache-2.0',
      layering: { base: 'envoy' },
      user: '1500:1500',
      entrypoint: ['/usr/local/bin/envoy'],
      trial: ['--version'],
    },
    {
      title: 'osm-cli',
      description: 'The osm command, with the chart that it installs',
      repositories: ['openservicemesh/osm-cli'],
      tags: [version],
      licenses: 'Apache-2.0',
      layering: { base: 'node', program: COMMAND_LINE, commandLine: true },
      user: PERSON,
      entrypoint: [NODE, program(COMMAND_LINE.name)],
      arguments: ['--help'],
      // Helm keeps what it caches there; the root file system may be read-only.
      environment: { HOME: '/tmp', NODE_ENV: 'production' },
      trial: ['version', '--client-only'],
    },
    ...APPLICATIONS.map(
      (name): Recipe => ({
        title: `bookstore-${name}`,
        description: `The ${name} of the bookstore demo`,
        repositories: [`bookstore-demo/${name}`],
        // The demo's manifests name no tag.
        tags: [version, 'latest'],
        licenses: 'Apache-2.0',
        layering: { base: 'node', program: BOOKSTORE },
        user: PERSON,
        entrypoint: [NODE, program(BOOKSTORE.name), name],
        environment: { NODE_ENV: 'production' },
        trial: [],
      }),
    ),
    {
      title: 'bookstore-mysql',
      description: 'The database of the bookstore demo: MariaDB',
      repositories: ['bookstore-demo/mysql'],
      tags: [version, 'latest'],
      licenses: 'Apache-2.0 AND GPL-2.0-only',
      layering: { base: 'mariadb' },
      user: '999:999',
      entrypoint: ['/bin/sh', `/${PRODUCT_HOME}/mariadb.sh`],
      environment: { DATADIR: '/var/lib/mysql' },
      trial: [],
    },
  ];
}
