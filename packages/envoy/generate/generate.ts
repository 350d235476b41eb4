/**
 * Writes packages/envoy/gen/ (which is not committed): per .proto file a module with its types, `json-types.d.ts` and
 * `descriptors.js`. The descriptors are those in the Envoy program at gen/bin/envoy, and for files it has not those of
 * the PyPI wheel `xds-protos`, unzipped at gen/xds-protos/. Does nothing when the inputs are those of the last time.
 * Usage: node packages/envoy/generate/generate.ts
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  CodeGeneratorRequestSchema,
  CodeGeneratorResponseSchema,
  type FileDescriptorSet,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import { closure } from './closure.ts';
import { listModules, readDescriptors } from './descriptors.ts';
import { readEmbeddedDescriptors } from './embedded.ts';
import { freezeJsonTypes } from './frozen.ts';
import { descriptorModule, type OutputFile, typeMap } from './type-map.ts';
import { WANTED } from './wanted.ts';

const HERE = import.meta.dirname;
const WHEEL = join(HERE, '../../../gen/xds-protos');
const ENVOY = join(HERE, '../../../gen/bin/envoy');
const OUTPUT = join(HERE, '../gen');
const STAMP = 'stamp';
/** `target=ts` would emit enums, which Node does not run; the JSON types are what the control plane writes. */
const PARAMETER = 'target=js+dts,json_types=true,import_extension=js';
const MAX_OUTPUT = 64 * 1024 * 1024;

const pluginManifest = createRequire(import.meta.url).resolve('@bufbuild/protoc-gen-es/package.json');
const plugin = JSON.parse(readFileSync(pluginManifest, 'utf8')) as {
  version: string;
  bin: { 'protoc-gen-es': string };
};

function hashInputs(envoy: Buffer | undefined): string {
  const hash = createHash('sha256').update(`${plugin.version}\0${PARAMETER}\0`);
  const add = (folder: string, name: string): void => {
    hash
      .update(`${name}\0`)
      .update(readFileSync(join(folder, name)))
      .update('\0');
  };
  for (const name of readdirSync(HERE).sort()) if (!name.endsWith('.test.ts')) add(HERE, name);
  for (const name of listModules(WHEEL)) add(WHEEL, name);
  return hash.update(envoy ?? 'none').digest('hex');
}

function runPlugin(set: FileDescriptorSet): readonly OutputFile[] {
  const request = create(CodeGeneratorRequestSchema, {
    // The runtime library brings the well-known types along.
    fileToGenerate: set.file.map(({ name }) => name).filter((name) => !name.startsWith('google/protobuf/')),
    parameter: PARAMETER,
    protoFile: set.file,
  });
  const run = spawnSync(process.execPath, [join(dirname(pluginManifest), plugin.bin['protoc-gen-es'])], {
    input: toBinary(CodeGeneratorRequestSchema, request),
    maxBuffer: MAX_OUTPUT,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  if (run.error !== undefined) throw run.error;
  if (run.status !== 0) throw new Error(`protoc-gen-es ended with status ${run.status}`);
  const response = fromBinary(CodeGeneratorResponseSchema, run.stdout);
  if (response.error !== '') throw new Error(`protoc-gen-es: ${response.error}`);
  return response.file.map(({ name, content }) => ({
    name,
    content: name.endsWith('.d.ts') ? freezeJsonTypes(content) : content,
  }));
}

/** Replaces the output folder as a whole, so that a run that fails midway leaves the former one. */
function write(files: readonly OutputFile[], stamp: string): void {
  const fresh = `${OUTPUT}.${process.pid}`;
  rmSync(fresh, { recursive: true, force: true });
  for (const { name, content } of files) {
    const path = join(fresh, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  writeFileSync(join(fresh, STAMP), stamp);
  rmSync(OUTPUT, { recursive: true, force: true });
  renameSync(fresh, OUTPUT);
}

function generate(): void {
  if (!existsSync(WHEEL)) {
    throw new Error(`${WHEEL} is missing: run "npm run setup", which unpacks the wheel xds-protos there`);
  }
  const envoy = existsSync(ENVOY) ? readFileSync(ENVOY) : undefined;
  const stamp = hashInputs(envoy);
  const last = join(OUTPUT, STAMP);
  if (existsSync(last) && readFileSync(last, 'utf8') === stamp) return;
  if (envoy === undefined) console.warn(`${ENVOY} is missing: fields that are newer than the wheel will be unknown`);
  const embedded = envoy === undefined ? [] : readEmbeddedDescriptors(envoy);
  const descriptors = new Map([...readDescriptors(WHEEL), ...embedded]);
  const set = create(FileDescriptorSetSchema, { file: [...closure(descriptors, WANTED)] });
  const files = [...runPlugin(set), typeMap(set), ...descriptorModule(set)];
  write(files, stamp);
  console.log(`packages/envoy/gen: ${files.length} files from ${set.file.length} descriptors`);
}

generate();
