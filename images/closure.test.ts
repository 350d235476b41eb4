import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { missingLibraries, resolvePath } from './closure.ts';
import { withoutSymbols } from './inputs/elf.ts';
import type { Architecture } from './oci/image.ts';
import { file, fileTree, symlink, type TreeEntry } from './oci/tree.ts';

const HERE: Architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
const THERE: Architecture = HERE === 'amd64' ? 'arm64' : 'amd64';
const PROGRAM = file('usr/bin/node', withoutSymbols(readFileSync(process.execPath)), 0o755);
const missing = (...entries: TreeEntry[]) => missingLibraries(fileTree([PROGRAM, ...entries]), HERE);

test('links are followed inside the tree', () => {
  const tree = fileTree([
    file('usr/lib/x.so.1.2', ''),
    symlink('usr/lib/x.so.1', 'x.so.1.2'),
    symlink('lib', 'usr/lib'),
    symlink('abs', '/lib/../lib/x.so.1'),
    symlink('up', '../../../usr/lib'),
    symlink('a', 'b'),
    symlink('b', 'a'),
  ]);
  assert.equal(resolvePath(tree, '/lib/x.so.1'), 'usr/lib/x.so.1.2');
  assert.equal(resolvePath(tree, 'abs'), 'usr/lib/x.so.1.2');
  assert.equal(resolvePath(tree, 'up/x.so.1'), 'usr/lib/x.so.1.2');
  assert.equal(resolvePath(tree, 'a'), undefined);
  assert.equal(resolvePath(tree, 'lib/y.so'), undefined);
});

test('a loader and libraries that are not there are told', () => {
  const told = missing().join('\n');
  assert.match(told, /usr\/bin\/node needs the loader \/lib/);
  assert.match(told, /usr\/bin\/node needs libc\.so\.6/);
  const libc = file('usr/lib/libc.so.6', 'no ELF file, but there');
  assert.doesNotMatch(missing(libc).join('\n'), /libc\.so\.6/);
});

test('a program of another machine, and a link to nothing, are told', () => {
  assert.match(missingLibraries(fileTree([PROGRAM]), THERE).join('\n'), new RegExp(`is for ${HERE}, not ${THERE}`));
  assert.ok(missing(symlink('x', 'nowhere')).includes('x leads to nowhere, which is not there'));
});
