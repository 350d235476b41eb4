import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { isElf, readElf, withoutSymbols } from './elf.ts';

const directory = mkdtempSync(join(tmpdir(), 'osm-elf-'));
after(() => rmSync(directory, { recursive: true }));

/** The Node.js that runs this: a large program with a symbol table. */
const NODE = readFileSync(process.execPath);

test('a program tells its machine, its loader and its libraries', () => {
  const facts = readElf(NODE);
  assert.equal(facts?.machine, process.arch === 'arm64' ? 'arm64' : 'amd64');
  assert.match(facts?.interpreter ?? '', /^\/lib.*\/ld-linux-[\w-]+\.so\.\d$/);
  for (const name of ['libc.so.6', 'libstdc++.so.6', 'libm.so.6']) assert.ok(facts?.needed.includes(name), name);
});

test('what is no ELF file tells nothing', () => {
  assert.equal(readElf(Buffer.from('#!/bin/sh\n'.repeat(20))), undefined);
  assert.equal(isElf(Buffer.alloc(0)), false);
  assert.throws(() => withoutSymbols(Buffer.from('#!/bin/sh')), /not a 64-bit little-endian ELF file/);
});

test('a program without its symbols is smaller, needs the same, and does the same', () => {
  const slim = withoutSymbols(NODE);
  assert.ok(slim.length < NODE.length, `${slim.length} of ${NODE.length} bytes`);
  assert.deepEqual(readElf(slim), readElf(NODE));
  assert.ok(withoutSymbols(slim).equals(slim));
  const path = join(directory, 'node');
  writeFileSync(path, slim);
  chmodSync(path, 0o755);
  const script =
    'console.log(require("zlib").gunzipSync(require("zlib").gzipSync("works")).toString(), process.version)';
  assert.equal(execFileSync(path, ['-e', script], { encoding: 'utf8' }), `works ${process.version}\n`);
});
