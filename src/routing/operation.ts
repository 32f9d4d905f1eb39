/** What a client wants done, whatever the wire protocol. Endpoints name one, providers say which they have. */
const OPERATIONS = ['chat', 'completions', 'embeddings'] as const;
export type Operation = (typeof OPERATIONS)[number];
