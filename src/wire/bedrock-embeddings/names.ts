export const PROTOCOL = 'bedrock-embeddings';
