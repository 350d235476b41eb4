import { createHash } from 'node:crypto';
import type { Component } from './component.ts';

/** What a bill of materials is about. */
export interface Subject {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly license: string;
  /** Seconds since 1970. */
  readonly epoch: number;
}

/** Where documents of those who publish none lie by convention (SPDX 2.3, 6.5). */
const NAMESPACE = 'https://spdx.org/spdxdocs';

/**
 * The bill of materials of an image in SPDX 2.3 (https://spdx.github.io/spdx-spec/v2.3), as JSON. Equal components give equal text: the document's
 * namespace, which must be unique, is made of their hash.
 */
export function billOfMaterials(subject: Subject, components: readonly Component[]): string {
  const distinct = [...new Map(components.map((each) => [each.purl, each])).values()].sort((a, b) =>
    a.purl < b.purl ? -1 : 1,
  );
  const root = 'SPDXRef-image';
  const idOf = (component: Component): string =>
    `SPDXRef-${component.name.replace(/[^A-Za-z0-9.-]+/g, '-')}-${shortHash(component.purl)}`;
  const title = `${subject.name}-${subject.version}-${subject.architecture}`;
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: title,
    documentNamespace: `${NAMESPACE}/${title}-${shortHash(JSON.stringify([subject, distinct]))}`,
    creationInfo: {
      created: new Date(subject.epoch * 1000).toISOString().replace('.000Z', 'Z'),
      creators: ['Tool: osm-images'],
    },
    packages: [
      {
        SPDXID: root,
        name: subject.name,
        versionInfo: subject.version,
        primaryPackagePurpose: 'CONTAINER',
        downloadLocation: 'NOASSERTION',
        filesAnalyzed: false,
        licenseConcluded: 'NOASSERTION',
        licenseDeclared: subject.license,
        copyrightText: 'NOASSERTION',
      },
      ...distinct.map((component) => ({
        SPDXID: idOf(component),
        name: component.name,
        versionInfo: component.version,
        downloadLocation: 'NOASSERTION',
        filesAnalyzed: false,
        licenseConcluded: 'NOASSERTION',
        licenseDeclared: component.license,
        copyrightText: 'NOASSERTION',
        ...(component.sha256 === undefined
          ? {}
          : { checksums: [{ algorithm: 'SHA256', checksumValue: component.sha256 }] }),
        externalRefs: [
          { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: component.purl },
        ],
      })),
    ],
    relationships: [
      { spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: root },
      ...distinct.map((component) => ({
        spdxElementId: root,
        relationshipType: 'CONTAINS',
        relatedSpdxElement: idOf(component),
      })),
    ],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);
