import assert from 'node:assert/strict';
import { test } from 'node:test';
import { billOfMaterials } from './sbom.ts';

const SUBJECT = { name: 'osm-test', version: '1.0.0', architecture: 'amd64', license: 'Apache-2.0', epoch: 0 };
const ZOD = { name: 'zod', version: '4.6.7', license: 'MIT', purl: 'pkg:npm/zod@4.6.7' };
const SCOPED = {
  ...{ name: '@grpc/grpc-js', version: '1.14.7', license: 'Apache-2.0', purl: 'pkg:npm/%40grpc/grpc-js@1.14.7' },
  sha256: 'ab'.repeat(32),
};

interface Document {
  readonly spdxVersion: string;
  readonly documentNamespace: string;
  readonly packages: readonly Readonly<Record<string, unknown>>[];
  readonly relationships: readonly { spdxElementId: string; relationshipType: string; relatedSpdxElement: string }[];
}

test('a bill names every component once, with version, licence, package URL and hash', () => {
  const bill = JSON.parse(billOfMaterials(SUBJECT, [ZOD, SCOPED, ZOD])) as Document;
  assert.equal(bill.spdxVersion, 'SPDX-2.3');
  assert.deepEqual(
    bill.packages.map(({ name, versionInfo, licenseDeclared }) => [name, versionInfo, licenseDeclared]),
    [
      ['osm-test', '1.0.0', 'Apache-2.0'],
      ['@grpc/grpc-js', '1.14.7', 'Apache-2.0'],
      ['zod', '4.6.7', 'MIT'],
    ],
  );
  assert.deepEqual(bill.packages[1]?.checksums, [{ algorithm: 'SHA256', checksumValue: SCOPED.sha256 }]);
  assert.deepEqual(bill.packages[1]?.externalRefs, [
    { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: SCOPED.purl },
  ]);
});

test('identifiers are unique and valid, and the image contains each of them', () => {
  const bill = JSON.parse(billOfMaterials(SUBJECT, [ZOD, SCOPED])) as Document;
  const ids = bill.packages.map(({ SPDXID }) => String(SPDXID));
  assert.equal(new Set(ids).size, ids.length);
  // SPDX 2.3, 3.2: letters, digits, dots and dashes.
  for (const id of ids) assert.match(id, /^SPDXRef-[A-Za-z0-9.-]+$/);
  const contained = bill.relationships.filter(({ relationshipType }) => relationshipType === 'CONTAINS');
  assert.deepEqual(
    contained.map(({ relatedSpdxElement }) => relatedSpdxElement),
    ids.slice(1),
  );
});

test('equal images give equal bills; another component gives another namespace', () => {
  const namespace = (text: string): string => (JSON.parse(text) as Document).documentNamespace;
  const one = billOfMaterials(SUBJECT, [ZOD, SCOPED]);
  assert.equal(one, billOfMaterials(SUBJECT, [SCOPED, ZOD]));
  assert.notEqual(namespace(one), namespace(billOfMaterials(SUBJECT, [ZOD])));
});
