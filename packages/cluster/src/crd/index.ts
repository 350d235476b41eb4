export { hasRules, validateCel } from './cel/rules.ts';
export { readCrd } from './definition.ts';
export { publishedDefinitions } from './publish.ts';
export { crdStatus, isAccepted, type NameConflict } from './status.ts';
