import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Which packages each package may import (ARCHITECTURE.md draws the same arrows). */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  api: [],
  envoy: [],
  pki: [],
  kube: [],
  core: ['api', 'envoy'],
  cluster: ['kube', 'pki'],
  'control-plane': ['api', 'core', 'envoy', 'kube', 'pki'],
  cli: ['api', 'cluster', 'control-plane', 'core', 'kube', 'pki'],
};

/** Packages whose main entry does no I/O, and the modules of Node.js that are allowed there for they do none. */
const PURE = ['api', 'core', 'envoy'];
const PURE_BUILTINS = new Set(['node:crypto', 'node:net']);

/** Static imports and re-exports, over several lines too, and dynamic imports. */
const IMPORTS = [/^(?:import|export)\b[^;:=(']*'([^'\n]+)'/gm, /\bimport\('([^'\n]+)'\)/g];

const importsOf = (path: string): readonly string[] => {
  const text = readFileSync(join(ROOT, path), 'utf8');
  return IMPORTS.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1] ?? ''));
};

interface Source {
  readonly file: string;
  readonly imports: readonly string[];
}

function sources(name: string): readonly Source[] {
  const directory = join('packages', name);
  return readdirSync(join(ROOT, directory), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !/(^|\/)(gen|node_modules)\//.test(file))
    .map((file) => ({ file: join(directory, file), imports: importsOf(join(directory, file)) }));
}

const packages = readdirSync(join(ROOT, 'packages')).sort();

test('every package is in the picture', () => {
  assert.deepEqual(packages, Object.keys(MAY_IMPORT).sort());
});

for (const name of packages) {
  const allowed = MAY_IMPORT[name] ?? [];
  test(`${name} imports only ${allowed.join(', ') || 'nothing of ours'}`, () => {
    for (const { file, imports } of sources(name)) {
      for (const target of imports) {
        const ours = /^@osm\/([a-z-]+)/.exec(target)?.[1];
        assert.ok(ours === undefined || allowed.includes(ours), `${file} imports ${target}`);
        assert.ok(!/^(\.\.\/)+packages\//.test(target), `${file} reaches into another package: ${target}`);
      }
    }
  });

  test(`${name} declares what it imports`, () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'packages', name, 'package.json'), 'utf8')) as {
      dependencies?: Record<string, string>;
    };
    const builtin = new Set(builtinModules);
    for (const { file, imports } of sources(name)) {
      if (file.endsWith('.test.ts') || file.includes('/testing')) continue;
      for (const target of imports) {
        if (/^(\.|node:)|\$\{/.test(target) || builtin.has(target)) continue;
        const dependency = target
          .split('/')
          .slice(0, target.startsWith('@') ? 2 : 1)
          .join('/');
        assert.ok(
          dependency in (manifest.dependencies ?? {}),
          `${file} imports ${target}, which package.json does not name`,
        );
      }
    }
  });
}

for (const name of PURE) {
  test(`the main entry of ${name} does no I/O`, () => {
    const seen = new Set<string>();
    const visit = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      for (const target of importsOf(file)) {
        if (target.startsWith('.') && target.endsWith('.ts')) visit(join(dirname(file), target));
        else assert.ok(!target.startsWith('node:') || PURE_BUILTINS.has(target), `${file} imports ${target}`);
      }
    };
    visit(join('packages', name, 'src', 'index.ts'));
  });
}

test('no package is a dumping ground', () => {
  for (const name of packages) {
    for (const { file } of sources(name))
      assert.doesNotMatch(file, /\/(utils?|helpers?|common|misc|manager)(\/|\.ts$)/);
  }
});
