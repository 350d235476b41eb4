import type { MessageJson, MessageName } from './json.ts';
import { TYPE_PREFIX, typeName } from './registry.ts';

type NameOf<Type extends string> = Type extends `type.googleapis.com/${infer Name}` ? Name : Type;

/**
 * JSON of a `google.protobuf.Any` that holds a message of the given name. Protobuf's own types have a JSON form
 * that may be no object, so theirs stands under `value` (google/protobuf/any.proto, "JSON").
 */
export type AnyOf<Name extends MessageName> = {
  readonly '@type': `type.googleapis.com/${Name}`;
} & (Name extends `google.protobuf.${string}` ? { readonly value: MessageJson<Name> } : MessageJson<Name>);

/** What `any` takes as a type: a full message name, with or without `type.googleapis.com/` before it. */
export type AnyType = MessageName | `type.googleapis.com/${MessageName}`;

/** Wraps a message's JSON as an `Any`; `type` decides how `json` is checked by the compiler. */
export function any<Type extends AnyType>(
  type: Type,
  json: MessageJson<NameOf<Type> & MessageName>,
): AnyOf<NameOf<Type> & MessageName>;
export function any(type: string, json: unknown): object {
  const name = typeName(type);
  const head = { '@type': `${TYPE_PREFIX}${name}` };
  return name.startsWith('google.protobuf.') ? { ...head, value: json } : { ...head, ...(json as object) };
}
