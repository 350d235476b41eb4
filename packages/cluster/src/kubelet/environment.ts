import { ContainerConfigError } from './capabilities.ts';
import { fieldValue, type NodeView, resourceValue } from './downward.ts';
import type { Container, EnvFromSource, EnvVar, Pod } from './pod.ts';
import { type ServiceFacts, serviceEnvironment } from './service-environment.ts';

/** Contents of the ConfigMaps and Secrets that a container names; undefined when the object does not exist. */
export interface EnvironmentSources {
  configMap(name: string): Readonly<Record<string, string>> | undefined;
  secret(name: string): Readonly<Record<string, string>> | undefined;
}

/** Everything the environment of a container is made of. */
export interface EnvironmentInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly imageEnv: Readonly<Record<string, string>>;
  readonly services: readonly ServiceFacts[];
  readonly apiServer: { readonly host: string; readonly port: number };
  readonly hostname: string;
  readonly home: string;
  readonly node: NodeView;
  readonly sources: EnvironmentSources;
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const VARIABLE = /^[^=\0]+$/;

/**
 * A container's environment, later sources over earlier ones: runtime, image, services, envFrom, env (Kubernetes docs,
 * "Define environment variables"). Throws {@link ContainerConfigError} naming what is missing.
 */
export function environmentOf(input: EnvironmentInput): Readonly<Record<string, string>> {
  const { pod, container } = input;
  const env: Record<string, string> = {
    PATH: DEFAULT_PATH,
    HOSTNAME: input.hostname,
    ...(container.tty ? { TERM: 'xterm' } : {}),
    HOME: input.home,
    ...input.imageEnv,
    ...serviceEnvironment(pod, input.services, input.apiServer),
  };
  const declared: Record<string, string> = {};
  for (const from of container.envFrom ?? []) Object.assign(declared, fromWhole(from, input.sources));
  for (const variable of container.env ?? []) {
    if (!VARIABLE.test(variable.name))
      throw new ContainerConfigError(`environment variable name ${JSON.stringify(variable.name)} is not valid`);
    const value = variableValue(variable, input, { ...env, ...declared });
    if (value !== undefined) declared[variable.name] = value;
  }
  return { ...env, ...declared };
}

/**
 * Replaces `$(NAME)` by the variable's value; a name that is not set stays as written and `$$` stands for `$`
 * (Kubernetes docs, "Define dependent environment variables").
 */
export function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$(\$|\(([^()]*)\))/g, (whole, mark: string, name: string | undefined) =>
    mark === '$' ? '$' : (env[name ?? ''] ?? whole),
  );
}

function variableValue(
  variable: EnvVar,
  input: EnvironmentInput,
  known: Readonly<Record<string, string>>,
): string | undefined {
  const from = variable.valueFrom;
  if (!from) return expand(variable.value ?? '', known);
  if (from.fieldRef) return fieldValue(input.pod, from.fieldRef.fieldPath, input.node);
  if (from.resourceFieldRef) return resourceValue(input.pod, input.container, from.resourceFieldRef, input.node);
  const ref = from.configMapKeyRef ?? from.secretKeyRef;
  if (!ref) return '';
  const kind = from.configMapKeyRef ? 'configmap' : 'secret';
  const data = from.configMapKeyRef ? input.sources.configMap(ref.name) : input.sources.secret(ref.name);
  const value = data?.[ref.key];
  if (value !== undefined || ref.optional) return value;
  const object = `${input.pod.metadata.namespace}/${ref.name}`;
  throw new ContainerConfigError(
    data
      ? `couldn't find key ${ref.key} in ${kind === 'secret' ? 'Secret' : 'ConfigMap'} ${object}`
      : `${kind} "${ref.name}" not found`,
  );
}

function fromWhole(from: EnvFromSource, sources: EnvironmentSources): Record<string, string> {
  const ref = from.configMapRef ?? from.secretRef;
  if (!ref) return {};
  const data = from.configMapRef ? sources.configMap(ref.name) : sources.secret(ref.name);
  if (!data && !ref.optional)
    throw new ContainerConfigError(`${from.configMapRef ? 'configmap' : 'secret'} "${ref.name}" not found`);
  const entries = Object.entries(data ?? {}).map(([key, value]) => [`${from.prefix ?? ''}${key}`, value] as const);
  return Object.fromEntries(entries.filter(([name]) => VARIABLE.test(name)));
}
