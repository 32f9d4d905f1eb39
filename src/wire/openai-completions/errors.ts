export { openaiErrors as openaiCompletionsErrors } from '../openai-chat/errors.ts';
