export { openaiErrors as openaiEmbeddingsErrors } from '../openai-chat/errors.ts';
