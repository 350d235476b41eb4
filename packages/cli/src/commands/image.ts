import { defaultHome, imageAdd, imageLoad, imagesDirectory, readImages, removeImage } from '@osm/cluster';
import { Command, InvalidArgumentError } from 'commander';
import { CliError } from '../cli-error.ts';
import { type CliContext, example } from '../context.ts';
import { table } from '../table.ts';

const environment = (text: string, former: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('give NAME=VALUE.');
  return { ...former, [text.slice(0, at)]: text.slice(at + 1) };
};

function mountOption(
  text: string,
  former: readonly { source: string; target: string }[] = [],
): readonly { source: string; target: string }[] {
  const [source, target, ...rest] = text.split(':');
  if (!source || !target || rest.length > 0) throw new InvalidArgumentError('give SOURCE:TARGET, both absolute.');
  return [...former, { source, target }];
}

interface AddOptions {
  readonly rootfs?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly mount?: readonly { source: string; target: string }[];
  readonly user?: string;
  readonly workdir?: string;
}

/** `osm local image`: what image names mean in embedded clusters. */
export function imageCommand(context: CliContext): Command {
  const image = new Command('image').description('images of embedded clusters: names with a local meaning');
  const directory = () => imagesDirectory(defaultHome());
  const add = new Command('add')
    .description('give an image name a meaning')
    .argument('<name>', 'image name; without a tag it stands for every tag')
    .argument('[command...]', 'program with its arguments, after --')
    .option('--rootfs <directory>', "root file system; by default the machine's own, read-only")
    .option('-e, --env <name=value>', 'environment variable (repeat)', environment)
    .option('--mount <source:target>', 'folder or file to show, read-only (repeat)', mountOption)
    .option('--user <user>', 'name or uid, with :group')
    .option('--workdir <directory>', 'working directory')
    .action(async (name: string, command: readonly string[], options: AddOptions) => {
      const record = await imageAdd({
        directory: directory(),
        name,
        command,
        ...(options.rootfs !== undefined && { rootfs: options.rootfs }),
        ...(options.env && { env: options.env }),
        ...(options.mount && { mounts: options.mount }),
        ...(options.user !== undefined && { user: options.user }),
        ...(options.workdir !== undefined && { workingDir: options.workdir }),
      });
      context.write(`image ${record.name} runs ${record.entrypoint.join(' ') || `what ${record.rootfs} holds`}\n`);
    });
  example(
    add,
    'osm local image add shop/web:1 -- python3 -m http.server 8080',
    'osm local image add shop/api -e MODE=test --rootfs /srv/api-root -- /app/api',
  );
  const load = new Command('load')
    .description('load an archive as docker save or an OCI tool writes it')
    .argument('<file>', 'tar file')
    .action(async (file: string) => {
      const records = await imageLoad({ directory: directory(), file });
      for (const record of records) context.write(`image ${record.name} is loaded\n`);
    });
  example(load, 'osm local image load shop.tar');
  const list = new Command('list').description('images that have a meaning').action(async () => {
    const records = await readImages(directory());
    context.write(
      table(
        ['NAME', 'ROOT FILE SYSTEM', 'COMMAND'],
        records.map((record) => [record.name, record.rootfs, [...record.entrypoint, ...record.cmd].join(' ')]),
      ),
    );
  });
  example(list, 'osm local image list');
  const remove = new Command('remove')
    .description('take the meaning of image names away; pods that run go on')
    .argument('<name...>', 'image name, with its tag if it has one')
    .action(async (names: readonly string[]) => {
      for (const name of names) {
        if (!(await removeImage(directory(), name)))
          throw new CliError(`image ${name} has no meaning here: osm local image list shows those that have`);
        context.write(`image ${name} is removed\n`);
      }
    });
  example(remove, 'osm local image remove shop/web:1');
  image.addCommand(add).addCommand(load).addCommand(remove).addCommand(list);
  return example(image, 'osm local image add shop/web:1 -- python3 -m http.server 8080', 'osm local image list');
}
