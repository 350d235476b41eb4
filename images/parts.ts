import type { Part } from './component.ts';
import { envoyBase, nodeBase, redirectionBase } from './inputs/base.ts';
import { bundle } from './inputs/bundle.ts';
import { chart, takeHelm } from './inputs/command-line.ts';
import { DebianPackages } from './inputs/debian.ts';
import { takeEnvoy } from './inputs/envoy.ts';
import { mariadb } from './inputs/mariadb.ts';
import { takeNode } from './inputs/node.ts';
import type { Architecture } from './oci/image.ts';
import type { Layering } from './recipes.ts';

/** Where inputs come from. */
export interface Sources {
  /** Root of the project. */
  readonly root: string;
  /** What was fetched once is kept here. */
  readonly cache: string;
}

/** Makes the parts of images for one architecture; each of them once, so that images share layers. */
export class PartMaker {
  private readonly sources: Sources;
  private readonly architecture: Architecture;
  private readonly debian: DebianPackages;
  private readonly made = new Map<string, Promise<Part>>();

  constructor(sources: Sources, architecture: Architecture) {
    this.sources = sources;
    this.architecture = architecture;
    this.debian = new DebianPackages(sources.cache, architecture);
  }

  /** The parts of an image, lowest first. Rejects with MissingInput. */
  async make(layering: Layering): Promise<readonly Part[]> {
    const { root, cache } = this.sources;
    const { debian, architecture } = this;
    switch (layering.base) {
      case 'envoy':
        return [
          await this.once('envoy base', () => envoyBase(debian, architecture)),
          await this.once('envoy', () => takeEnvoy(root, cache, architecture)),
        ];
      case 'redirection':
        return [await this.once('redirection', () => redirectionBase(debian, architecture))];
      case 'mariadb':
        return [await this.once('mariadb', () => mariadb(root, debian, architecture))];
      case 'node': {
        const parts = [
          await this.once('node base', () => nodeBase(debian, architecture)),
          await this.once('node', () => takeNode(root, cache, architecture)),
        ];
        if (layering.commandLine) {
          const helm = await takeHelm(root, cache, architecture);
          if (helm !== undefined) parts.push(helm);
          parts.push(chart(root));
        }
        return [...parts, await this.once(layering.program.main, () => bundle(root, layering.program))];
      }
    }
  }

  private once(name: string, make: () => Promise<Part>): Promise<Part> {
    const made = this.made.get(name) ?? make();
    this.made.set(name, made);
    return made;
  }
}
