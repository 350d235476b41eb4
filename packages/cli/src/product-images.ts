import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ImageAddOptions, imageAdd, imagesDirectory } from '@osm/cluster';
import { parse } from 'yaml';
import { CHART_PATH, findProgram, PRODUCT_ROOT } from './project-paths.ts';

/** Where a pod sees the product's files. */
const INSIDE = '/opt/osm';
const NODE = `${INSIDE}/node_modules/node-linux-${process.arch}/bin/node`;

type Mount = NonNullable<ImageAddOptions['mounts']>[number];

/** The product's own files, as mounts: programs of a pod see these and nothing else of the checkout. */
export const productMounts = (...folders: readonly string[]): readonly Mount[] =>
  ['packages', 'node_modules', ...folders].map((folder) => ({
    source: join(PRODUCT_ROOT, folder),
    target: `${INSIDE}/${folder}`,
  }));

/** The command line of a TypeScript program of the product, as a pod runs it. `main` is a path in the project. */
export const productCommand = (main: string): readonly string[] => [
  NODE,
  '--disable-warning=ExperimentalWarning',
  `${INSIDE}/${main}`,
];

/**
 * Names the chart's images for embedded clusters, as charts/osm/images.yaml tells: the control plane runs from this
 * checkout, sidecars run the Envoy found here.
 */
export async function addProductImages(home: string): Promise<void> {
  const { images } = parse(readFileSync(join(CHART_PATH, 'images.yaml'), 'utf8')) as {
    images: Readonly<Record<string, readonly string[]>>;
  };
  const envoy = findProgram('envoy', 'ENVOY_PATH');
  const meanings: Readonly<Record<string, Pick<ImageAddOptions, 'command' | 'mounts' | 'env'>>> = {
    '{main}': { command: productCommand('packages/control-plane/src/main.ts'), mounts: productMounts() },
    '{envoy}': {
      command: [`${INSIDE}/bin/envoy`],
      mounts: [{ source: envoy, target: `${INSIDE}/bin/envoy` }],
      // Sidecars call it by its bare name, as the image of Envoy has it on its path.
      env: { PATH: `${INSIDE}/bin:/usr/local/bin:/usr/bin:/bin` },
    },
  };
  for (const [name, words] of Object.entries(images)) {
    const meaning = Object.entries(meanings).find(([word]) => words.includes(word))?.[1];
    await imageAdd({
      directory: imagesDirectory(home),
      name,
      ...(meaning ?? { command: words }),
    });
  }
}
