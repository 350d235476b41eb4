import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
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

/** Packages without I/O, and the modules of Node.js that are allowed there for they do none. */
const PURE = ['api', 'core', 'envoy'];
const PURE_BUILTINS = new Set(['crypto', 'net']);
/** Files of pure packages that exist to do I/O, each behind an entry of its own. */
const IO_ENTRIES = [/^packages\/envoy\/(generate|src\/binary)/, /\.test\.ts$/, /\/testing/, /\.bench\.ts$/];

interface Source {
  readonly file: string;
  readonly imports: readonly string[];
}

function sources(name: string): readonly Source[] {
  const directory = join('packages', name);
  return readdirSync(join(ROOT, directory), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !/(^|\/)(gen|node_modules)\//.test(file))
    .map((file) => {
      const path = join(directory, file);
      const text = readFileSync(join(ROOT, path), 'utf8');
      const imports = [...text.matchAll(/\b(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? '');
      return { file: path, imports };
    });
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
        if (target.startsWith('.') || target.startsWith('node:') || builtin.has(target)) continue;
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
  test(`${name} does no I/O`, () => {
    for (const { file, imports } of sources(name)) {
      if (IO_ENTRIES.some((entry) => entry.test(file))) continue;
      for (const target of imports) {
        const builtin = /^node:([a-z_/]+)$/.exec(target)?.[1];
        assert.ok(builtin === undefined || PURE_BUILTINS.has(builtin), `${file} imports ${target}`);
      }
    }
  });
}

test('no package is a dumping ground', () => {
  for (const name of packages) {
    for (const { file } of sources(name))
      assert.doesNotMatch(file, /\/(utils?|helpers?|common|misc|manager)(\/|\.ts$)/);
  }
});
