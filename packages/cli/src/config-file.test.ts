import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { configFilePath, readInstallConfig } from './config-file.ts';

const directory = mkdtempSync(join(tmpdir(), 'osm-config-'));
after(() => rmSync(directory, { recursive: true, force: true }));
const write = (text: string): string => {
  const path = join(directory, 'config.yaml');
  writeFileSync(path, text);
  return path;
};

test('OSM_CONFIG names the file, else it is in the home directory', () => {
  assert.equal(configFilePath({ OSM_CONFIG: '/etc/osm.yaml' }), '/etc/osm.yaml');
  assert.equal(configFilePath({ OSM_CONFIG: '' }), join(homedir(), '.osm', 'config.yaml'));
  assert.equal(configFilePath({}), join(homedir(), '.osm', 'config.yaml'));
});

test('without a file the installation is an ordinary one', () => {
  assert.deepEqual(readInstallConfig(join(directory, 'missing.yaml')), {
    kind: 'self-hosted',
    distribution: '',
    namespace: 'osm-system',
  });
});

test('a managed installation, as the add-on writes it', () => {
  const path = write('install:\n  kind: managed\n  distribution: AKS\n  namespace: kube-system\n');
  assert.deepEqual(readInstallConfig(path), { kind: 'managed', distribution: 'AKS', namespace: 'kube-system' });
});

for (const [what, text] of [
  ['an empty file', ''],
  ['a file about other things', 'colour: blue\n'],
  ['an empty section', 'install:\n'],
] as const) {
  test(`${what} has the defaults`, () => {
    assert.deepEqual(readInstallConfig(write(text)), {
      kind: 'self-hosted',
      distribution: '',
      namespace: 'osm-system',
    });
  });
}

for (const [what, text, message] of [
  ['a kind that there is not', 'install: {kind: rented}', /install\.kind is "rented"; use managed or self-hosted/],
  ['what is not YAML', 'install: [', /is not YAML: /],
  ['a list', '- install', /is not a mapping with a section install/],
  ['a section that is no mapping', 'install: yes please', /install is "yes please"; write a mapping/],
  ['a namespace that is no text', 'install: {namespace: [a]}', /install\.namespace is \["a"\]; write a text/],
] as const) {
  test(`${what} is refused with the file's name`, () => {
    const path = write(text);
    assert.throws(
      () => readInstallConfig(path),
      (error: Error) => {
        assert.equal(error.name, 'CliError');
        assert.ok(error.message.startsWith(path), error.message);
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

test('a file that cannot be read is named', () => {
  assert.throws(() => readInstallConfig(directory), {
    name: 'CliError',
    message: new RegExp(`cannot read ${directory}`),
  });
});
