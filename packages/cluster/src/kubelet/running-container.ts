import { randomBytes } from 'node:crypto';
import { lstatSync, readlinkSync } from 'node:fs';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ContainerConfigError } from './capabilities.ts';
import type { OutputSink } from './container-output.ts';
import { type ContainerProcess, type ProcessExit, startProcess } from './container-process.ts';
import { type Bind, planRoot, type RootView, resolveInRoot } from './container-root.ts';
import type { KubeletContext, ResolvedImage } from './context.ts';
import { type EnvironmentSources, environmentOf, expand } from './environment.ts';
import { checkMapped } from './id-range.ts';
import { type Identity, identityOf, setprivArguments } from './identity.ts';
import { launchCommand, splitEnvironment } from './launcher.ts';
import { LogFile } from './log-file.ts';
import { removeOldLogs } from './log-reader.ts';
import type { Container, Pod } from './pod.ts';
import type { PodSandbox } from './pod-sandbox.ts';
import { VolumeError } from './volume-files.ts';

/** One run of a container: its process and what is needed to enter it. */
export interface RunningContainer {
  /** `osm://<64 hex digits>`, as in the container status. */
  readonly id: string;
  readonly imageId: string;
  readonly process: ContainerProcess;
  readonly log: LogFile;
  readonly identity: Identity;
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  readonly startedAt: number;
  /** Sees the output as it comes (kubectl attach). Returns the function that ends it. */
  tap(sink: OutputSink): () => void;
  /** What the application left at terminationMessagePath. */
  terminationMessage(exit: ProcessExit): Promise<string>;
  /** Removes the run's private files; the log stays. */
  cleanUp(): Promise<void>;
}

/** The image's name has no meaning here; shown as ErrImagePull. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
}

const MESSAGE_LIMIT_BYTES = 4096;
const MESSAGE_PATH = '/dev/termination-log';

/**
 * Starts one run of a container. Rejects with {@link ImageError}, {@link ContainerConfigError} or {@link VolumeError}
 * when it cannot be configured, and with a plain error (shown as StartError) when its process cannot be made.
 * `attempt` counts from 0 and names the log file.
 */
export async function startContainer(
  context: KubeletContext,
  pod: Pod,
  container: Container,
  sandbox: PodSandbox,
  attempt: number,
  onImage: (image: ResolvedImage) => void,
): Promise<RunningContainer> {
  const image = await context.resolveImage(container.image ?? '').catch((error: unknown) => {
    throw new ImageError(error instanceof Error ? error.message : String(error));
  });
  onImage(image);
  const view = rootView(image.rootfs);
  const identity = identityOf(pod, container, image.user, {
    passwd: await readInRoot(image.rootfs, '/etc/passwd', view),
    group: await readInRoot(image.rootfs, '/etc/group', view),
  });
  checkMapped(identity);
  const env = environmentOf({
    pod,
    container,
    imageEnv: image.env,
    services: context.services(),
    apiServer: context.apiServer,
    hostname: sandbox.hostname,
    home: identity.home,
    node: sandbox.node,
    sources: await environmentSources(context, pod, container),
  });
  const command = commandOf(container, image, env);
  const volumeBinds = await sandbox.volumes.binds(container, env);
  const run = `${container.name}-${attempt}`;
  const scratch = join(context.stateDir, 'scratch', basename(sandbox.directory), run);
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true });
  const messageFile = join(scratch, 'termination-log');
  await writeFile(messageFile, '', { mode: 0o666 });
  const handle = await open(messageFile);
  await handle.chmod(0o666);
  await handle.close();
  const workingDir = container.workingDir ?? image.workingDir ?? '/';
  const root = planRoot({
    rootfs: image.rootfs,
    view,
    scratch,
    launcher: context.launcher.directory,
    hidden: [context.stateDir, ...context.hidden],
    secrets: context.secrets,
    readOnly: container.securityContext?.readOnlyRootFilesystem === true,
    workingDir,
    binds: [
      ...image.mounts.map(
        (m): Bind => ({ ...m, readOnly: true, kind: lstatSync(m.source).isDirectory() ? 'directory' : 'file' }),
      ),
      ...sandbox.fileBinds(),
      { source: messageFile, target: container.terminationMessagePath ?? MESSAGE_PATH, readOnly: false, kind: 'file' },
      ...volumeBinds,
    ],
  });
  const { plain, late } = splitEnvironment(env);
  const logs = join(sandbox.directory, 'logs', container.name);
  await removeOldLogs(logs, attempt);
  const log = new LogFile(join(logs, `${attempt}.log`));
  const taps = new Set<OutputSink>();
  try {
    const process = await startProcess(
      {
        root,
        netns: sandbox.netns,
        ...(sandbox.sharedPid === undefined ? {} : { pidNamespaceOf: sandbox.sharedPid }),
        hostname: sandbox.hostname,
        env: plain,
        command: launchCommand(context.launcher, setprivArguments(identity), late, command),
        scratch,
        stdin: container.stdin === true,
        tty: container.tty === true,
      },
      (stream, chunk) => {
        log.append(stream, chunk);
        for (const tap of taps) tap(stream, chunk);
      },
    );
    return {
      id: `osm://${randomBytes(32).toString('hex')}`,
      imageId: container.image ?? '',
      process,
      log,
      identity,
      env,
      workingDir,
      startedAt: Date.now(),
      tap(sink) {
        taps.add(sink);
        return () => taps.delete(sink);
      },
      terminationMessage: (exit) => terminationMessage(container, messageFile, log, exit),
      cleanUp: () => rm(scratch, { recursive: true, force: true }),
    };
  } catch (error) {
    log.close();
    throw error;
  }
}

function commandOf(
  container: Container,
  image: ResolvedImage,
  env: Readonly<Record<string, string>>,
): readonly string[] {
  const own = (list: readonly string[] | undefined) =>
    list && list.length > 0 ? list.map((word) => expand(word, env)) : undefined;
  const entrypoint = own(container.command);
  // A command of the pod sets the image's arguments aside too (Kubernetes docs, "Define a Command and Arguments").
  const command = [...(entrypoint ?? image.entrypoint), ...(own(container.args) ?? (entrypoint ? [] : image.cmd))];
  if (command.length === 0)
    throw new ContainerConfigError('no command specified: neither the pod nor the image names one');
  return command;
}

async function environmentSources(
  context: KubeletContext,
  pod: Pod,
  container: Container,
): Promise<EnvironmentSources> {
  const namespace = pod.metadata.namespace ?? 'default';
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  for (const from of container.envFrom ?? []) {
    if (from.configMapRef) configMaps.add(from.configMapRef.name);
    if (from.secretRef) secrets.add(from.secretRef.name);
  }
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.configMapKeyRef) configMaps.add(valueFrom.configMapKeyRef.name);
    if (valueFrom?.secretKeyRef) secrets.add(valueFrom.secretKeyRef.name);
  }
  const [maps, hidden] = await Promise.all([
    readAll(configMaps, (name) => context.objects.configMap(namespace, name)),
    readAll(secrets, (name) => context.objects.secret(namespace, name)),
  ]);
  return { configMap: (name) => maps.get(name), secret: (name) => hidden.get(name) };
}

async function readAll(
  names: ReadonlySet<string>,
  read: (name: string) => Promise<Readonly<Record<string, Buffer>> | undefined>,
) {
  const found = new Map<string, Readonly<Record<string, string>>>();
  await Promise.all(
    [...names].map(async (name) => {
      const data = await read(name);
      if (data)
        found.set(name, Object.fromEntries(Object.entries(data).map(([key, value]) => [key, value.toString('utf8')])));
    }),
  );
  return found;
}

function rootView(rootfs: string): RootView {
  return {
    kind(path) {
      try {
        const entry = lstatSync(join(rootfs, path));
        return entry.isSymbolicLink() ? 'link' : entry.isDirectory() ? 'directory' : 'file';
      } catch {
        return undefined;
      }
    },
    readlink: (path) => readlinkSync(join(rootfs, path)),
  };
}

async function readInRoot(rootfs: string, path: string, view: RootView): Promise<string> {
  return await readFile(join(rootfs, resolveInRoot(path, view)), 'utf8').catch(() => '');
}

async function terminationMessage(
  container: Container,
  file: string,
  log: LogFile,
  exit: ProcessExit,
): Promise<string> {
  if (exit.kind === 'failed') return exit.message;
  const written = await readTail(file, 0);
  if (written !== '' || exit.exitCode === 0 || container.terminationMessagePolicy !== 'FallbackToLogsOnError')
    return written;
  const lines = (await readTail(log.path, MESSAGE_LIMIT_BYTES)).split('\n').slice(-81);
  return lines
    .map((line) => line.replace(/^\S+ (stdout|stderr) [FP] /, ''))
    .join('\n')
    .slice(-2048);
}

/** The first bytes of a file, or the last `fromEnd`. */
async function readTail(path: string, fromEnd: number): Promise<string> {
  const handle = await open(path).catch(() => undefined);
  if (!handle) return '';
  try {
    const { size } = await handle.stat();
    const start = fromEnd > 0 ? Math.max(0, size - fromEnd) : 0;
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MESSAGE_LIMIT_BYTES), 0, MESSAGE_LIMIT_BYTES, start);
    return buffer.subarray(0, bytesRead).toString('utf8');
  } finally {
    await handle.close();
  }
}

export { ContainerConfigError, VolumeError };
