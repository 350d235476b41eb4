/** Annotation and label of pods of Indexed jobs. */
export const COMPLETION_INDEX = 'batch.kubernetes.io/job-completion-index';

/** Reads `completedIndexes`, such as `0,2-4`; what is unreadable is left out. */
export const readIndexes = (text: string): readonly number[] =>
  text.split(',').flatMap((part) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
    if (match === null) return [];
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, offset) => first + offset);
  });

/** Writes indexes as ranges: `0,2-4`; two in a row are two numbers. */
export const writeIndexes = (indexes: Iterable<number>): string => {
  const sorted = [...new Set(indexes)].sort((left, right) => left - right);
  const parts: string[] = [];
  for (let start = 0; start < sorted.length; ) {
    let end = start;
    while (sorted[end + 1] === (sorted[end] ?? 0) + 1) end += 1;
    const [first, last] = [sorted[start], sorted[end]];
    parts.push(end === start ? `${first}` : end === start + 1 ? `${first},${last}` : `${first}-${last}`);
    start = end + 1;
  }
  return parts.join(',');
};
