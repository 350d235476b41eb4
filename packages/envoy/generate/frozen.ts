const JSON_TYPE = /^export declare type \w+Json = \{\n[\s\S]*?^\};$/gm;

/**
 * A generated declaration file whose JSON types nobody may change: the plugin writes mutable lists, which would
 * refuse the read-only ones that configuration is built from. Done in the text, since a mapped type over types that
 * refer to themselves exceeds what the compiler instantiates.
 */
export function freezeJsonTypes(declarations: string): string {
  return declarations.replaceAll(JSON_TYPE, (type) =>
    type
      .replaceAll(/^ {2}(?=\S+\?: )/gm, '  readonly ')
      .replaceAll(/\?: ([\w."| -]+\[\];)$/gm, '?: readonly $1')
      .replaceAll('{ [key: ', '{ readonly [key: '),
  );
}
