import { join, resolve } from 'node:path';
import { arch } from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MissingInput } from './inputs/run.ts';
import type { Architecture } from './oci/image.ts';
import { buildRelease } from './release.ts';
import { reportRelease } from './report.ts';

/** `npm run images`: builds the container images of this release, without Docker and without a registry of images. */
const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');
const ARCHITECTURES: readonly Architecture[] = ['amd64', 'arm64'];
const USAGE = `usage: npm run images -- [options]
  --arch <amd64|arm64>   build for this architecture only (repeat)
  --image <title>        build this image only (repeat)
  --output <directory>   default: dist/images
SOURCE_DATE_EPOCH and OSM_REVISION set the time and the commit that images tell.
`;

function epochOf(text: string | undefined): number {
  const epoch = Number(text ?? 0);
  if (Number.isSafeInteger(epoch) && epoch >= 0) return epoch;
  throw new MissingInput(`SOURCE_DATE_EPOCH must be seconds since 1970, not ${JSON.stringify(text)}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      arch: { type: 'string', multiple: true },
      image: { type: 'string', multiple: true },
      output: { type: 'string', default: join(ROOT, 'dist/images') },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const wrong = values.arch?.find((each) => !(ARCHITECTURES as readonly string[]).includes(each));
  if (wrong !== undefined)
    throw new MissingInput(`--arch ${wrong}: images are built for ${ARCHITECTURES.join(' and ')}`);
  const { SOURCE_DATE_EPOCH, OSM_REVISION } = process.env;
  const release = await buildRelease({
    root: ROOT,
    cache: join(ROOT, 'gen/images'),
    output: resolve(values.output),
    architectures: ARCHITECTURES.filter((each) => values.arch?.includes(each) ?? true),
    epoch: epochOf(SOURCE_DATE_EPOCH),
    ...(OSM_REVISION ? { revision: OSM_REVISION } : {}),
    ...(values.image ? { only: values.image } : {}),
  });
  process.stdout.write(await reportRelease(release, arch === 'arm64' ? 'arm64' : 'amd64'));
}

try {
  await main();
} catch (error) {
  if (!(error instanceof MissingInput || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')))
    throw error;
  process.stderr.write(`images: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
