export { CliError } from './cli-error.ts';
export { type CliContext, processContext } from './context.ts';
export { addProductImages, productCommand, productMounts } from './product-images.ts';
export { createProgram } from './program.ts';
export { findProgram, PRODUCT_ROOT } from './project-paths.ts';
export { table } from './table.ts';
