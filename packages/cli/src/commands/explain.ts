import { Command } from 'commander';
import { type CliContext, example } from '../context.ts';
import { explainExclusionsCommand } from './explain-exclusions.ts';

/** `osm explain`. */
export function explainCommand(context: CliContext): Command {
  const command = new Command('explain').description('tell why the mesh does what it does');
  return example(command.addCommand(explainExclusionsCommand(context)), 'osm explain exclusions cart-7d9f -n shop');
}
