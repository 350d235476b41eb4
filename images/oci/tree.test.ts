import assert from 'node:assert/strict';
import { test } from 'node:test';
import { directory, file, fileTree, symlink } from './tree.ts';

test('a tree is in the order of its paths, and parents are there', () => {
  const tree = fileTree([file('usr/bin/b', 'b'), symlink('bin', 'usr/bin'), file('usr/bin/a', 'a')]);
  assert.deepEqual([...tree.keys()], ['bin', 'usr', 'usr/bin', 'usr/bin/a', 'usr/bin/b']);
  assert.equal(tree.get('usr')?.mode, 0o755);
});

test('a directory that somebody names keeps its mode and owner', () => {
  const tree = fileTree([file('tmp/x', ''), directory('tmp', 0o1777, { uid: 7, gid: 8 })]);
  assert.deepEqual([tree.get('tmp')?.mode, tree.get('tmp')?.uid, tree.get('tmp')?.gid], [0o1777, 7, 8]);
});

test('the same entry twice is one; two different ones are refused', () => {
  assert.equal(fileTree([file('a', 'x'), file('a', 'x'), symlink('b', 'a'), symlink('b', 'a')]).size, 2);
  assert.throws(() => fileTree([file('a', 'x'), file('a', 'y')]), /two different entries are named a/);
  assert.throws(() => fileTree([file('a', 'x'), file('a', 'x', 0o755)]), /two different entries/);
  assert.throws(() => fileTree([symlink('a', 'x'), symlink('a', 'y')]), /two different entries/);
  assert.throws(() => fileTree([file('a', 'x'), directory('a')]), /two different entries/);
});

test('nothing lies below a file or a link', () => {
  assert.throws(() => fileTree([file('a', ''), file('a/b', '')]), /a, which holds a\/b, is a file/);
  assert.throws(() => fileTree([symlink('a', 'c'), file('a/b', '')]), /is a symlink/);
});

for (const path of ['/etc/passwd', '../x', 'a/../b', './a', 'a//b', 'a/', '', 'a\0'])
  test(`${JSON.stringify(path)} is no path of an image`, () => {
    assert.throws(() => file(path, ''), /is not a path below the root/);
  });
