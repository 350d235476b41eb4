import type { EncodedResource } from '@osm/envoy';
import { type Field, MalformedMessage, readFields, readMessage, readString, writeHead, writeString } from './wire.ts';

/**
 * The messages of `envoy.service.discovery.v3`, field numbers as in discovery.proto. They are written by hand so that
 * a resource's bytes, encoded once, are copied into each response rather than encoded again.
 */

/** DeltaDiscoveryRequest, without resource locators. */
export interface DeltaRequest {
  /** Present in the first message of a stream. */
  readonly nodeId: string | undefined;
  readonly typeUrl: string;
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  readonly initialVersions: ReadonlyMap<string, string>;
  /** Empty when the message answers no response. */
  readonly nonce: string;
  /** Message of the error detail when the response is refused. */
  readonly error: string | undefined;
}

/** DiscoveryRequest of the state-of-the-world protocol, without resource locators. */
export interface WorldRequest {
  readonly nodeId: string | undefined;
  readonly typeUrl: string;
  readonly names: readonly string[];
  readonly nonce: string;
  readonly error: string | undefined;
}

/** Names in one message beyond what any proxy of a mesh asks for. */
const MAX_NAMES = 200_000;

const readNodeId = (field: Field): string => {
  for (const inner of readFields(readMessage(field))) if (inner.number === 1) return readString(inner);
  return '';
};

/** Text of a google.rpc.Status; an error without a message is still an error. */
const readStatus = (field: Field): string => {
  let message = '';
  for (const inner of readFields(readMessage(field))) if (inner.number === 2) message = readString(inner);
  return message;
};

function readEntry(field: Field): readonly [string, string] {
  let key = '';
  let value = '';
  for (const inner of readFields(readMessage(field))) {
    if (inner.number === 1) key = readString(inner);
    if (inner.number === 2) value = readString(inner);
  }
  return [key, value];
}

/** Reads a DeltaDiscoveryRequest. Throws {@link MalformedMessage}. */
export function readDeltaRequest(message: Uint8Array): DeltaRequest {
  let nodeId: string | undefined;
  let typeUrl = '';
  let nonce = '';
  let error: string | undefined;
  const subscribe: string[] = [];
  const unsubscribe: string[] = [];
  const initialVersions = new Map<string, string>();
  for (const field of readFields(message)) {
    if (field.number === 1) nodeId = readNodeId(field);
    else if (field.number === 2) typeUrl = readString(field);
    else if (field.number === 3) subscribe.push(readString(field));
    else if (field.number === 4) unsubscribe.push(readString(field));
    else if (field.number === 5) initialVersions.set(...readEntry(field));
    else if (field.number === 6) nonce = readString(field);
    else if (field.number === 7) error = readStatus(field);
    if (subscribe.length + unsubscribe.length + initialVersions.size > MAX_NAMES) {
      throw new MalformedMessage(`more than ${MAX_NAMES} names`);
    }
  }
  return { nodeId, typeUrl, subscribe, unsubscribe, initialVersions, nonce, error };
}

/** Reads a DiscoveryRequest. Throws {@link MalformedMessage}. */
export function readWorldRequest(message: Uint8Array): WorldRequest {
  let nodeId: string | undefined;
  let typeUrl = '';
  let nonce = '';
  let error: string | undefined;
  const names: string[] = [];
  for (const field of readFields(message)) {
    if (field.number === 2) nodeId = readNodeId(field);
    else if (field.number === 3) names.push(readString(field));
    else if (field.number === 4) typeUrl = readString(field);
    else if (field.number === 5) nonce = readString(field);
    else if (field.number === 6) error = readStatus(field);
    if (names.length > MAX_NAMES) throw new MalformedMessage(`more than ${MAX_NAMES} names`);
  }
  return { nodeId, typeUrl, names, nonce, error };
}

/** What stands before a resource's own bytes in a response, made once for all proxies. */
const deltaHeads = new WeakMap<EncodedResource, Uint8Array>();
const worldHeads = new WeakMap<EncodedResource, Uint8Array>();

function anyHead(resource: EncodedResource): Uint8Array {
  return Buffer.concat([writeString(1, resource.typeUrl), writeHead(2, resource.bytes.length)]);
}

/** `resources` entry of a delta response: Resource {version = 1, resource = 2 (Any), name = 3}. */
function deltaHead(resource: EncodedResource): Uint8Array {
  const known = deltaHeads.get(resource);
  if (known !== undefined) return known;
  const any = anyHead(resource);
  const labels = Buffer.concat([writeString(1, resource.version), writeString(3, resource.name)]);
  // The Any comes last, so that the resource's bytes end the entry.
  const inner = Buffer.concat([labels, writeHead(2, any.length + resource.bytes.length), any]);
  const head = Buffer.concat([writeHead(2, inner.length + resource.bytes.length), inner]);
  deltaHeads.set(resource, head);
  return head;
}

/** `resources` entry of a state-of-the-world response: an Any. */
function worldHead(resource: EncodedResource): Uint8Array {
  const known = worldHeads.get(resource);
  if (known !== undefined) return known;
  const any = anyHead(resource);
  const head = Buffer.concat([writeHead(2, any.length + resource.bytes.length), any]);
  worldHeads.set(resource, head);
  return head;
}

/** Writes a DeltaDiscoveryResponse. */
export function writeDeltaResponse(response: {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly resources: readonly EncodedResource[];
  readonly removed: readonly string[];
}): Uint8Array {
  return Buffer.concat([
    ...response.resources.flatMap((resource) => [deltaHead(resource), resource.bytes]),
    writeString(4, response.typeUrl),
    writeString(5, response.nonce),
    ...response.removed.map((name) => writeString(6, name)),
  ]);
}

/** Writes a DiscoveryResponse; the nonce is the version too, since both only need to differ from the former ones. */
export function writeWorldResponse(response: {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly resources: readonly EncodedResource[];
}): Uint8Array {
  return Buffer.concat([
    writeString(1, response.nonce),
    ...response.resources.flatMap((resource) => [worldHead(resource), resource.bytes]),
    writeString(4, response.typeUrl),
    writeString(5, response.nonce),
  ]);
}
