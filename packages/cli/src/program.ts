import { Command } from 'commander';
import { explainCommand } from './commands/explain.ts';
import { installCommand } from './commands/install.ts';
import { localCommand } from './commands/local.ts';
import { meshCommand } from './commands/mesh.ts';
import { namespaceCommand } from './commands/namespace.ts';
import { policyCommand } from './commands/policy.ts';
import { supportCommand } from './commands/support.ts';
import { uninstallCommand } from './commands/uninstall.ts';
import { versionCommand } from './commands/version.ts';
import { type CliContext, example } from './context.ts';

/** The whole command line, ready to parse. */
export function createProgram(context: CliContext): Command {
  const program = new Command('osm')
    .description('Open Service Mesh: install it, and tell which namespaces take part')
    .option('--osm-namespace <namespace>', 'namespace of the control plane', context.config.namespace)
    .option('--verbose', 'say more')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(add --help for the options and an example)');
  // A cloud add-on that manages the mesh installs and removes it.
  if (context.config.kind !== 'managed') program.addCommand(installCommand(context));
  program
    .addCommand(uninstallCommand(context))
    .addCommand(namespaceCommand(context))
    .addCommand(meshCommand(context))
    .addCommand(policyCommand(context))
    .addCommand(explainCommand(context))
    .addCommand(supportCommand(context))
    .addCommand(versionCommand(context))
    .addCommand(localCommand(context));
  const inherit = (command: Command): void => {
    for (const child of command.commands) {
      child.copyInheritedSettings(command);
      inherit(child);
    }
  };
  inherit(program);
  return example(program, 'osm local up --install', 'osm namespace add shop', 'osm mesh list');
}
