/**
 * Paths as Envoy brings them into their normal form (`normalize_path`, `merge_slashes`, `path_with_escaped_slashes_action`
 * of its HTTP connection manager; RFC 3986 §6.2.2, with the URL Standard's treatment of backslashes). Rules are matched
 * against what comes of it, and applications get just that.
 */

/** Paths that are their own normal form, and hold no double slash: no segment that begins with a dot, nothing escaped. */
const PLAIN = /^(?:\/[A-Za-z0-9_~!$&'()*+,;=:@[\]-][A-Za-z0-9._~!$&'()*+,;=:@[\]-]*)+\/?$/;

/** What may stand in a request line at all: the printable part of ASCII. */
const PRINTABLE = /^\/[!-~]*$/;

const ESCAPED_SLASH = /%(2f|5c)/i;
const DOT = /^(?:\.|%2e)$/i;
const DOUBLE_DOT = /^(?:\.|%2e){2}$/i;

/** Escaped, these mean the same as bare (RFC 3986 "unreserved"). */
const UNRESERVED = /[A-Za-z0-9._~-]/;
const HEX = /^[0-9a-f]{2}$/i;

const escapeChar = (char: string): string => `%${char.charCodeAt(0).toString(16).toUpperCase()}`;

/**
 * Unescapes what needs no escape. A `%` that begins none stays, unless what was unescaped behind it would make it begin
 * one: it is then escaped itself, so that nothing is unescaped twice.
 */
function unescapeUnreserved(segment: string): string {
  if (!segment.includes('%')) return segment;
  let text = '';
  let loose = Number.NEGATIVE_INFINITY;
  for (let at = 0; at < segment.length; at++) {
    const digits = segment.slice(at + 1, at + 3);
    if (segment[at] !== '%' || !HEX.test(digits)) {
      if (segment[at] === '%') loose = text.length;
      text += segment[at];
      continue;
    }
    at += 2;
    const char = String.fromCharCode(Number.parseInt(digits, 16));
    if (!UNRESERVED.test(char)) {
      text += `%${digits}`;
      continue;
    }
    text += char;
    if (loose < text.length - 3) continue;
    const behind = (text.slice(loose + 1) + (segment[at + 1] ?? '')).slice(0, 2);
    if (HEX.test(behind)) text = `${text.slice(0, loose)}%25${text.slice(loose + 1)}`;
  }
  return text;
}

/** Parameters of segments that are dots say nothing; applications that cut them off would go up all the same. */
const withoutDotParameters = (path: string): string => path.replace(/\/(\.{1,2});[^/]*/g, '/$1');

/** The normal form of a path without query; undefined when Envoy answers 400 instead of taking it. */
export function normalizePath(path: string): string | undefined {
  if (PLAIN.test(path)) return path;
  if (!PRINTABLE.test(path) || path.includes('#') || path.includes('%00')) return undefined;
  const segments = withoutDotParameters(path).slice(1).split(/[/\\]/);
  const last = segments.length - 1;
  const normal: string[] = [];
  for (const [index, segment] of segments.entries()) {
    const up = DOUBLE_DOT.test(segment);
    if (up) normal.pop();
    if (up || DOT.test(segment)) {
      if (index === last) normal.push('');
    } else normal.push(unescapeUnreserved(segment).replace(/["<>^`{|}]/g, escapeChar));
  }
  return `/${normal.join('/')}`;
}

/**
 * The normal form where rules tell paths apart: double slashes are one, and undefined is also what holds an escaped
 * slash or backslash, which applications read differently.
 */
export function strictPath(path: string): string | undefined {
  if (ESCAPED_SLASH.test(path)) return undefined;
  const normal = normalizePath(path);
  if (normal === undefined || !normal.includes('//')) return normal;
  const segments = normal.split('/').filter((segment) => segment !== '');
  return `/${segments.join('/')}${normal.endsWith('/') ? '/' : ''}`;
}
