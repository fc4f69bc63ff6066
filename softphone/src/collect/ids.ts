/**
 * Makes the ids of a page's batches: the page's own, with its last twelve digits counted on. A body names both, and what they share
 * is written once in gzip.
 */
export function batchIds(pageId: string): () => string {
  const digits = 12;
  let last = Number.parseInt(pageId.slice(-digits), 16);
  return () => {
    last = (last + 1) % 16 ** digits;
    return pageId.slice(0, -digits) + last.toString(16).padStart(digits, "0");
  };
}
