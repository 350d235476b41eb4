import { Command } from 'commander';
import { CliError } from '../cli-error.ts';
import { type CliContext, example } from '../context.ts';
import { ERROR_CODES } from '../error-codes.ts';
import { table } from '../table.ts';

function errorInfo(context: CliContext, code: string | undefined): void {
  if (code === undefined) {
    context.write(table(['ERROR CODE', 'MEANING'], Object.entries(ERROR_CODES)));
    return;
  }
  const meaning = ERROR_CODES[code.toUpperCase()];
  if (meaning === undefined) throw new CliError(`there is no error code ${code}: osm support error-info lists them`);
  context.write(`${code.toUpperCase()}: ${meaning}\n`);
}

/** `osm support`. */
export function supportCommand(context: CliContext): Command {
  const info = new Command('error-info')
    .description('meaning of the error codes in logs and metrics')
    .argument('[code]', 'one code, such as E4152; all of them unless given')
    .action((code: string | undefined) => errorInfo(context, code));
  example(info, 'osm support error-info E4152');
  return example(
    new Command('support').description('look into problems').addCommand(info),
    'osm support error-info E4152',
  );
}
