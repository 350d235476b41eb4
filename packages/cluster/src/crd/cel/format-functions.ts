import { type Environment, Optional } from '@marcbachmann/cel-js';
import { hasFormat } from '../../schema/formats.ts';
import { dns1035Label, dnsLabel, dnsSubdomain, labelValue, type NameRule, qualifiedName } from '../../schema/names.ts';

/** A named format of CEL. */
class FormatValue {
  readonly rule: NameRule;
  constructor(rule: NameRule) {
    this.rule = rule;
  }
}

const ofSchema = (format: string): NameRule => {
  return (value) => (value !== '' && hasFormat(format, value) ? '' : `must be of type ${format}`);
};

/** A beginning of a name: what generated names are made from. */
const prefixOf = (rule: NameRule): NameRule => {
  return (value) => rule(value.endsWith('-') ? `${value.slice(0, -1)}a` : value);
};

const FORMATS: Readonly<Record<string, NameRule>> = {
  dns1123Label: dnsLabel,
  dns1123Subdomain: dnsSubdomain,
  dns1035Label,
  dns1123LabelPrefix: prefixOf(dnsLabel),
  dns1123SubdomainPrefix: prefixOf(dnsSubdomain),
  dns1035LabelPrefix: prefixOf(dns1035Label),
  qualifiedName,
  labelValue,
  uri: ofSchema('uri'),
  uuid: ofSchema('uuid'),
  byte: (value) => (hasFormat('byte', value) ? '' : 'must be of type byte'),
  date: ofSchema('date'),
  datetime: ofSchema('date-time'),
};

const textOf = (value: unknown): string => {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return `[${value.map(textOf).join(', ')}]`;
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype)
    return `{${Object.entries(value)
      .map(([key, child]) => `${key}: ${textOf(child)}`)
      .join(', ')}}`;
  return String(value);
};

const numberOf = (value: unknown, verb: string): bigint | number => {
  if (typeof value === 'bigint' || typeof value === 'number') return value;
  throw new Error(`could not format: %${verb} takes a number`);
};

const formatOne = (verb: string, precision: number | undefined, value: unknown): string => {
  switch (verb) {
    case 's':
      return textOf(value);
    case 'd':
      return String(numberOf(value, verb));
    case 'f':
      return Number(numberOf(value, verb)).toFixed(precision ?? 6);
    case 'e':
      return Number(numberOf(value, verb)).toExponential(precision ?? 6);
    case 'b':
      return typeof value === 'boolean' ? (value ? '1' : '0') : numberOf(value, verb).toString(2);
    case 'o':
      return numberOf(value, verb).toString(8);
    default: {
      const hex = typeof value === 'string' ? Buffer.from(value).toString('hex') : numberOf(value, verb).toString(16);
      return verb === 'X' ? hex.toUpperCase() : hex;
    }
  }
};

const format = (pattern: string, values: readonly unknown[]): string => {
  let next = 0;
  return pattern.replaceAll(
    /%(?:%|(?:\.(\d{1,2}))?([a-zA-Z]))/g,
    (match, precision: string | undefined, verb: string | undefined) => {
      if (match === '%%') return '%';
      if (verb === undefined || !'sdfeboxX'.includes(verb))
        throw new Error(`could not parse formatting clause ${match}`);
      if (next >= values.length) throw new Error(`index ${next} out of range`);
      const value = values[next];
      next += 1;
      return formatOne(verb, precision === undefined ? undefined : Number(precision), value);
    },
  );
};

/**
 * Registers `'…'.format([…])` and the named formats
 * (https://kubernetes.io/docs/reference/using-api/cel/#kubernetes-format-library).
 */
export const registerFormatFunctions = (environment: Environment): void => {
  class Formats {}
  environment
    .registerFunction('string.format(list): string', format)
    .registerType('kubernetes.NamedFormat', FormatValue)
    .registerFunction(
      'kubernetes.NamedFormat.validate(string): optional<list<string>>',
      ({ rule }: FormatValue, value: string) => {
        const why = rule(value);
        return why === '' ? Optional.none() : Optional.of([why]);
      },
    )
    .registerType('Formats', Formats)
    .registerConstant('format', 'Formats', new Formats());
  for (const [name, rule] of Object.entries(FORMATS))
    environment.registerFunction(`Formats.${name}(): kubernetes.NamedFormat`, () => new FormatValue(rule));
};
