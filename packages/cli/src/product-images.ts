import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ImageAddOptions, imageAdd, imagesDirectory, parseImageName, readImages } from '@osm/cluster';
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
 * checkout, sidecars run the Envoy found here. An image that was loaded from an archive under such a name stays what it is.
 */
export async function addProductImages(home: string): Promise<void> {
  const { images } = parse(readFileSync(join(CHART_PATH, 'images.yaml'), 'utf8')) as {
    images: Readonly<Record<string, readonly string[]>>;
  };
  const directory = imagesDirectory(home);
  const loaded = (await readImages(directory)).filter(({ id }) => id !== undefined);
  const isLoaded = (name: string): boolean => {
    const { repository, tag = 'latest' } = parseImageName(name);
    return loaded.some((record) => record.repository === repository && record.tag === tag);
  };
  const envoyMeaning = () => ({
    command: [`${INSIDE}/bin/envoy`],
    mounts: [{ source: findProgram('envoy', 'ENVOY_PATH'), target: `${INSIDE}/bin/envoy` }],
    // Sidecars call it by its bare name, as the image of Envoy has it on its path.
    env: { PATH: `${INSIDE}/bin:/usr/local/bin:/usr/bin:/bin` },
  });
  const meanings: Readonly<Record<string, () => Pick<ImageAddOptions, 'command' | 'mounts' | 'env'>>> = {
    '{main}': () => ({ command: productCommand('packages/control-plane/src/main.ts'), mounts: productMounts() }),
    '{envoy}': envoyMeaning,
  };
  for (const [name, words] of Object.entries(images)) {
    if (isLoaded(name)) continue;
    const meaning = Object.entries(meanings).find(([word]) => words.includes(word))?.[1];
    await imageAdd({ directory, name, ...(meaning?.() ?? { command: words }) });
  }
}
