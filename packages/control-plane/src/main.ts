import { Command, Option } from 'commander';
import { boolean, commaList, durationSeconds, wholeNumber } from './commands/options.ts';
import { MESH_CONFIG_NAME, VERSION } from './surface.ts';

/**
 * Entry of every image of the control plane. A subcommand loads only what it needs, as the small ones run inside
 * pods that wait for them.
 */

const LOG_LEVELS = ['disabled', 'panic', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'];

const verbosity = (): Option =>
  new Option('-v, --verbosity <level>', 'log level at the start; MeshConfig overrides it')
    .choices(LOG_LEVELS)
    .default('info');

/** A flag that takes `--name`, `--name=true` or `--name=false`. */
const toggle = (name: string, text: string, otherwise: boolean): Option =>
  new Option(`--${name} [boolean]`, text).argParser(boolean).preset('true').default(otherwise);

function component(name: string, summary: string): Command {
  return new Command(name)
    .description(summary)
    .addOption(verbosity())
    .requiredOption('--mesh-name <name>', 'name of the mesh; namespaces join it by the label of that value')
    .requiredOption('--osm-namespace <namespace>', 'namespace of the control plane')
    .option('--osm-service-account <name>', 'service account of this component', '')
    .option('--osm-config-name <name>', 'name of the MeshConfig object', MESH_CONFIG_NAME)
    .option('--osm-version <version>', 'version written on the objects that this component makes', VERSION)
    .addOption(toggle('enable-reconciler', 'restore objects of the mesh that are changed or deleted', false));
}

function withCertificates(command: Command): Command {
  return command
    .addOption(
      new Option('--certificate-manager <kind>', 'who issues certificates')
        .choices(['tresor', 'vault', 'cert-manager'])
        .default('tresor'),
    )
    .option('--ca-bundle-secret-name <name>', 'Secret of the embedded authority', 'osm-ca-bundle')
    .option('--trust-domain <domain>', 'trust domain of every identity', 'cluster.local')
    .addOption(toggle('enable-mesh-root-certificate', 'take the provider from MeshRootCertificate objects', false))
    .option('--vault-protocol <protocol>', 'http or https', 'http')
    .option('--vault-host <host>', 'address of Vault', 'vault.default.svc.cluster.local')
    .option('--vault-port <port>', 'port of Vault', wholeNumber(1, 65535), 8200)
    .option('--vault-role <role>', 'role of the PKI engine', 'openservicemesh')
    .option('--vault-token <token>', 'token for Vault', '')
    .option('--vault-token-secret-name <name>', 'Secret with the token', '')
    .option('--vault-token-secret-key <key>', 'key in that Secret', '')
    .option('--cert-manager-issuer-name <name>', 'name of the issuer', 'osm-ca')
    .option('--cert-manager-issuer-kind <kind>', 'kind of the issuer', 'Issuer')
    .option('--cert-manager-issuer-group <group>', 'API group of the issuer', 'cert-manager.io');
}

const program = new Command('osm-control-plane')
  .description('The parts of the mesh that run in its namespace, and the small programs that run in pods.')
  .version(VERSION)
  .showHelpAfterError();

program.addCommand(
  withCertificates(component('controller', 'Configure every proxy of the mesh (ADS), validate policies.'))
    .requiredOption('--validator-webhook-config <name>', 'name of the ValidatingWebhookConfiguration')
    .addOption(toggle('validate-traffic-target', 'check TrafficTargets before they are stored', true))
    .addHelpText(
      'after',
      '\nExample:\n  controller --mesh-name osm --osm-namespace osm-system --validator-webhook-config osm-validator-mesh-osm',
    )
    .action(async (options) => (await import('./commands/controller.ts')).controller(options)),
);

program.addCommand(
  withCertificates(component('injector', 'Put the sidecar into new pods of the mesh.'))
    .requiredOption('--webhook-config-name <name>', 'name of the MutatingWebhookConfiguration')
    .option('--webhook-timeout <seconds>', 'time the API server waits for an answer', wholeNumber(1, 30), 20)
    .option('--osm-container-pull-policy <policy>', 'pull policy of the containers that are added', 'IfNotPresent')
    .addOption(
      new Option('--native-sidecar <when>', 'run Envoy as a restartable init container')
        .choices(['auto', 'enabled', 'disabled'])
        .default('auto'),
    )
    .option('--sidecar-concurrency <threads>', 'worker threads of a sidecar', wholeNumber(1, 64), 2)
    .option(
      '--infrastructure-exclusions <profiles>',
      'named sets of addresses that bypass the proxy: kubernetes, azure, aws, gcp',
      commaList,
      ['kubernetes', 'azure', 'aws', 'gcp'],
    )
    .addHelpText(
      'after',
      '\nExample:\n  injector --mesh-name osm --osm-namespace osm-system --webhook-config-name osm-webhook-osm',
    )
    .action(async (options) => (await import('./commands/injector.ts')).injector(options)),
);

program.addCommand(
  component('bootstrap', 'Apply the CRDs and create the first MeshConfig.')
    .addHelpText('after', '\nExample:\n  bootstrap --mesh-name osm --osm-namespace osm-system')
    .action(async (options) => (await import('./commands/bootstrap.ts')).bootstrap(options)),
);

program.addCommand(
  new Command('preinstall')
    .description('Check that nothing stands against installing a mesh.')
    .addOption(verbosity())
    .requiredOption('--namespace <namespace>', 'namespace that the mesh is to be installed in')
    .addOption(toggle('enforce-single-mesh', 'refuse when another mesh is there', true))
    .addHelpText('after', '\nExample:\n  preinstall --namespace osm-system --enforce-single-mesh=false')
    .action(async (options) => (await import('./commands/jobs.ts')).preinstall(options)),
);

program.addCommand(
  new Command('healthcheck')
    .description('Answer TCP probes as HTTP, beside an application in its pod.')
    .addOption(verbosity())
    .option('--target <address>', 'address that is dialled', '127.0.0.1')
    .addHelpText('after', '\nExample:\n  healthcheck --target 127.0.0.1')
    .action(async ({ target }) => {
      const healthcheck = await (await import('./commands/healthcheck.ts')).startHealthcheck(target);
      process.once('SIGTERM', () => healthcheck.close());
    }),
);

program.addCommand(
  new Command('wait')
    .description('Wait until a URL answers 200.')
    .requiredOption('--url <url>', 'http URL to ask')
    .option('--timeout <duration>', 'give up after this long', '250s')
    .addHelpText('after', '\nExample:\n  wait --url http://osm-bootstrap.osm-system.svc.cluster.local:9091/healthz')
    .action(async ({ url, timeout }) => {
      const seconds = durationSeconds(timeout);
      // As process 1 of a container this would ignore a signal that nobody handles.
      process.once('SIGTERM', () => process.exit(143));
      if (seconds === undefined) throw new Error(`--timeout ${timeout} is not a duration such as 30s`);
      await (await import('./commands/wait.ts')).waitForUrl(url, seconds * 1000);
    }),
);

program.addCommand(
  new Command('crds')
    .description('The CustomResourceDefinitions of the mesh, and what is left after it.')
    .addCommand(
      new Command('print')
        .description('Print the CustomResourceDefinitions.')
        .addHelpText('after', '\nExample:\n  crds print | kubectl apply -f -')
        .action(async () => (await import('./commands/jobs.ts')).printCrds()),
    )
    .addCommand(
      new Command('cleanup')
        .description('Delete what an uninstalled control plane leaves behind.')
        .addOption(verbosity())
        .requiredOption('--mesh-name <name>', 'name of the mesh')
        .requiredOption('--osm-namespace <namespace>', 'namespace of the control plane')
        .option('--ca-bundle-secret-name <name>', 'Secret of the embedded authority', 'osm-ca-bundle')
        .requiredOption('--webhook-config-name <name>', 'name of the MutatingWebhookConfiguration')
        .requiredOption('--validator-webhook-config <name>', 'name of the ValidatingWebhookConfiguration')
        .addHelpText(
          'after',
          '\nExample:\n  crds cleanup --mesh-name osm --osm-namespace osm-system --webhook-config-name osm-webhook-osm --validator-webhook-config osm-validator-mesh-osm',
        )
        .action(async (options) =>
          (await import('./commands/jobs.ts')).cleanup({
            ...options,
            mutatingWebhook: options.webhookConfigName,
            validatingWebhook: options.validatorWebhookConfig,
          }),
        ),
    ),
);

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
