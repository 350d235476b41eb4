import { readInstallConfig } from './config-file.ts';
import { processContext } from './context.ts';
import { createProgram } from './program.ts';

try {
  await createProgram(processContext(readInstallConfig())).parseAsync();
} catch (error) {
  const verbose = process.argv.includes('--verbose');
  process.stderr.write(`osm: ${error instanceof Error ? (verbose ? error.stack : error.message) : String(error)}\n`);
  process.exitCode = 1;
}
