import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { build, type Plugin } from 'esbuild';
import type { Component, Part } from '../component.ts';
import { file } from '../oci/tree.ts';

/** Where the product lies in images. */
export const PRODUCT_HOME = 'opt/osm';

/** A program of the product that an image runs. */
export interface ProgramSource {
  /** Its name in the image: `/opt/osm/<name>.mjs`. */
  readonly name: string;
  /** Entry point, relative to the root of the project. */
  readonly main: string;
}

// Packages in the older module format ask for modules of Node.js by `require`, which modules of the newer one have not.
const REQUIRE =
  "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);";

/** Lets a source find its neighbours as if it lay in the image where it lies in the project. */
const sourcePlaces = (root: string): Plugin => ({
  name: 'source-places',
  setup({ onLoad }) {
    onLoad({ filter: /\/(packages|demo)\/.*\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      if (!text.includes('import.meta')) return undefined;
      const place = `/${PRODUCT_HOME}/${relative(root, path)}`;
      const contents = text
        .replaceAll('import.meta.url', JSON.stringify(`file://${place}`))
        .replaceAll('import.meta.dirname', JSON.stringify(dirname(place)));
      return { contents, loader: 'ts' };
    });
  },
});

/** One program as a few modules, with only what it uses; subcommands stay apart, so that a small one loads little. */
export async function bundle(root: string, program: ProgramSource): Promise<Part> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: { [program.name]: program.main },
    outdir: join(root, 'out'),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node26',
    // Names stay as they are written, for stack traces and logs.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    banner: { js: REQUIRE },
    outExtension: { '.js': '.mjs' },
    plugins: [sourcePlaces(root)],
    metafile: true,
    write: false,
    logLevel: 'error',
  });
  const packages = packagesOf(root, Object.keys(metafile.inputs));
  return {
    title: `${program.main}, bundled`,
    entries: [
      ...outputFiles.map(({ path, contents }) =>
        file(`${PRODUCT_HOME}/${relative(join(root, 'out'), path)}`, Buffer.from(contents)),
      ),
      file(`${PRODUCT_HOME}/LICENSE`, readFileSync(join(root, 'LICENSE'))),
      file(`${PRODUCT_HOME}/THIRD-PARTY-LICENSES`, packages.map(({ notice }) => notice).join('\n')),
    ],
    components: packages.map(({ component }) => component),
  };
}

interface NpmManifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

/** The npm packages that files of a bundle came from, each with its licence. */
function packagesOf(root: string, files: readonly string[]): readonly { component: Component; notice: string }[] {
  const folders = new Set<string>();
  for (const path of files) {
    const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];
    if (folder !== undefined) folders.add(folder);
  }
  return [...folders].sort().map((folder) => {
    const read = (name: string): string => readFileSync(join(root, folder, name), 'utf8');
    const { name, version, license = 'NOASSERTION' } = JSON.parse(read('package.json')) as NpmManifest;
    const texts = existsSync(join(root, folder))
      ? readdirSync(join(root, folder)).filter((each) => /^(licen[cs]e|notice)([.-].*)?$/i.test(each))
      : [];
    return {
      component: {
        name,
        version,
        license,
        purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
      },
      notice: `== ${name} ${version} (${license})\n\n${texts.sort().map(read).join('\n')}\n`,
    };
  });
}
