/** Mistral sends OpenAI's error object without its wrapper, or FastAPI's `detail`; OpenAI's reader knows both. */
export { openaiErrors as mistralErrors } from '../openai-chat/errors.ts';
