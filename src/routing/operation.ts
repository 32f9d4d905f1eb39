/** What a client wants done, whatever the wire protocol. Endpoints name one, providers say which they have. */
export const OPERATIONS = [
  'chat',
  'completions',
  'embeddings',
  'rerank',
  'count-tokens',
  'moderations',
  'images',
  'image-edits',
  'image-variations',
  'transcriptions',
  'translations',
  'speech',
  /** Any other call of a provider, passed as it is. */
  'raw',
] as const;
export type Operation = (typeof OPERATIONS)[number];

const PICTURES: ReadonlySet<Operation> = new Set<Operation>(['images', 'image-edits', 'image-variations']);

export const makesPictures = (operation: Operation): boolean => PICTURES.has(operation);
