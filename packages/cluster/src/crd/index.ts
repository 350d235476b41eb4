export { validateCel } from './cel/rules.ts';
export { readCrd } from './definition.ts';
export { publishedDefinitions } from './publish.ts';
export { crdStatus } from './status.ts';
