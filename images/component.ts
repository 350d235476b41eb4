import type { TreeEntry } from './oci/tree.ts';

/** Something that an image contains, as its bill of materials names it. */
export interface Component {
  readonly name: string;
  readonly version: string;
  /** Package URL (https://github.com/package-url/purl-spec). */
  readonly purl: string;
  /** SPDX expression, or NOASSERTION where the package tells it in prose only. */
  readonly license: string;
  /** SHA-256 of what was taken, in hexadecimal digits: of the Debian package, or of the program as its publisher built it. */
  readonly sha256?: string;
}

/** What becomes one layer of images, and where it comes from. */
export interface Part {
  /** Said in the image's history. */
  readonly title: string;
  readonly entries: readonly TreeEntry[];
  readonly components: readonly Component[];
}
