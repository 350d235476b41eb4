export { type ImageAddOptions, InvalidImage, imageAdd } from './add.ts';
export { InvalidArchive } from './archive.ts';
export { type ImageLoadOptions, imageLoad } from './load.ts';
export { familiarName, type ImageReference, InvalidImageName, parseImageName } from './reference.ts';
export { type ResolvedImage, resolveImage, UnknownImage } from './resolve.ts';
export { type ImageRecord, readImages, removeImage } from './store.ts';
