/** The syntax of names: each check answers with what is wrong, '' when nothing is (RFC 1123, RFC 1035, API conventions). */

/** What is wrong with a name; '' when nothing is. */
export type NameRule = (name: string) => string;

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const LABEL_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const NAME_PART = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';

const rule = (source: string, longest: number, description: string): NameRule => {
  const syntax = new RegExp(`^(${source})$`);
  return (name) => {
    if (name.length > longest) return `must be no more than ${longest} characters`;
    return syntax.test(name) ? '' : `${description} (regex used for validation is '${source}')`;
  };
};

/** A label of a domain name (RFC 1123): namespaces, containers, ports of services. */
export const dnsLabel = rule(
  LABEL,
  63,
  "a lowercase RFC 1123 label must consist of lower case letters, digits or '-', and must start and end with a letter or a digit",
);

/** A domain name (RFC 1123): the names of most objects. */
export const dnsSubdomain = rule(
  `${LABEL}(\\.${LABEL})*`,
  253,
  "a lowercase RFC 1123 subdomain must consist of lower case letters, digits, '-' or '.', and must start and end with a letter or a digit",
);

/** A label that starts with a letter (RFC 1035): services, plural names of kinds, versions. */
export const dns1035Label = rule(
  LABEL_1035,
  63,
  "a DNS-1035 label must consist of lower case letters, digits or '-', start with a letter, and end with a letter or a digit",
);

/** A name that may stand in a URL as it is: RBAC roles and bindings. */
export const pathSegment: NameRule = (name) => {
  if (name === '.' || name === '..') return `may not be '${name}'`;
  if (name.includes('/')) return "may not contain '/'";
  return name.includes('%') ? "may not contain '%'" : '';
};

const qualifiedPart = rule(
  NAME_PART,
  63,
  "name part must consist of letters, digits, '-', '_' or '.', and must start and end with a letter or a digit",
);

/** A name with an optional domain in front: `app`, `openservicemesh.io/inject` (keys of labels and annotations). */
export const qualifiedName: NameRule = (name) => {
  const parts = name.split('/');
  if (parts.length > 2) return "a qualified name must have one '/' at most, between a DNS subdomain and a name";
  const [prefix, local] = parts.length === 2 ? [parts[0], parts[1] ?? ''] : [undefined, name];
  if (prefix === '') return 'prefix part must be non-empty';
  const wrongPrefix = prefix === undefined ? '' : dnsSubdomain(prefix);
  if (wrongPrefix !== '') return `prefix part ${wrongPrefix}`;
  return local === '' ? 'name part must be non-empty' : qualifiedPart(local);
};

const labelText = rule(
  NAME_PART,
  63,
  "a valid label must be an empty string or consist of letters, digits, '-', '_' or '.', and must start and end with a letter or a digit",
);

/** The value of a label. */
export const labelValue: NameRule = (value) => (value === '' ? '' : labelText(value));

/** A key of a ConfigMap or Secret. */
export const configKey: NameRule = (key) => {
  if (key.length > 253) return 'must be no more than 253 characters';
  if (key === '' || !/^[-._a-zA-Z0-9]+$/.test(key))
    return "a valid config key must consist of letters, digits, '-', '_' or '.' (regex used for validation is '[-._a-zA-Z0-9]+')";
  if (key === '.' || key === '..') return `must not be '${key}'`;
  return key.startsWith('..') ? "must not start with '..'" : '';
};

/** The name of an environment variable: any printable ASCII characters but `=`. */
export const environmentName: NameRule = (name) =>
  /^[ -<>-~]+$/.test(name)
    ? ''
    : "a valid environment variable name must consist only of printable ASCII characters other than '='";

/** The name of a port (RFC 6335): at most 15 characters, one letter at least. */
export const portName: NameRule = (name) => {
  if (name.length > 15) return 'must be no more than 15 characters';
  if (!/^[-a-z0-9]+$/.test(name)) return "must contain only lower case letters, digits and '-'";
  if (!/[a-z]/.test(name)) return 'must contain at least one letter';
  if (name.includes('--')) return 'must not contain consecutive hyphens';
  return name.startsWith('-') || name.endsWith('-') ? 'must not begin or end with a hyphen' : '';
};
