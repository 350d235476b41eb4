import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { GEN } from './project.mjs';
import { run } from './run.mjs';

/** Debian has the program in `nginx`, older Ubuntus in `nginx-core`. */
const PACKAGES = ['nginx', 'nginx-core'];
const TARGET = join(GEN, 'bin', 'nginx');

/**
 * NGINX, for the tests of ingress: its program alone. The package is unpacked rather than installed, as installing it would
 * start a web server on this machine. Where there is none to be had, everything but those tests works.
 */
export async function fetchNginx(progress) {
  if (existsSync(TARGET)) return;
  const scratch = join(GEN, 'nginx');
  const attempt = async (name) => {
    rmSync(scratch, { recursive: true, force: true });
    mkdirSync(scratch, { recursive: true });
    await run('apt-get', ['download', name], { cwd: scratch });
    const archive = readdirSync(scratch).find((file) => file.endsWith('.deb'));
    await run('dpkg-deb', ['--extract', archive ?? '', '.'], { cwd: scratch });
    const program = join(scratch, 'usr', 'sbin', 'nginx');
    await run(program, ['-v']);
    copyFileSync(program, TARGET);
    chmodSync(TARGET, 0o755);
  };
  await progress('NGINX (for tests of ingress)', async () => {
    for (const name of PACKAGES) {
      const failed = await attempt(name).then(
        () => undefined,
        (error) => error,
      );
      if (failed === undefined) break;
      if (name === PACKAGES.at(-1)) process.stderr.write(` not available: ${failed.message.split('\n')[0]};`);
    }
    rmSync(scratch, { recursive: true, force: true });
  });
}
