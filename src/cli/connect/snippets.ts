import type { Connection } from './connection.ts';

/** Lines for people's own code, in the words of each library. The key stays in the environment. */

const exports = ({ gateway, key }: Connection): readonly string[] => [
  `export OPENAI_BASE_URL=${gateway}/v1`,
  `export OPENAI_API_KEY=${key}`,
  '',
];

export const SNIPPETS = {
  'openai-sdk': (connection: Connection): readonly string[] => [
    ...exports(connection),
    "import OpenAI from 'openai';",
    '',
    'const client = new OpenAI(); // reads OPENAI_BASE_URL and OPENAI_API_KEY',
    'const answer = await client.chat.completions.create({',
    `  model: '${connection.model}',`,
    "  messages: [{ role: 'user', content: 'Hello' }],",
    '});',
  ],
  'ai-sdk': (connection: Connection): readonly string[] => [
    ...exports(connection),
    "import { createOpenAI } from '@ai-sdk/openai';",
    "import { generateText } from 'ai';",
    '',
    'const bulkhead = createOpenAI({ baseURL: process.env.OPENAI_BASE_URL, apiKey: process.env.OPENAI_API_KEY });',
    `const { text } = await generateText({ model: bulkhead.chat('${connection.model}'), prompt: 'Hello' });`,
  ],
  langchain: (connection: Connection): readonly string[] => [
    ...exports(connection),
    'from langchain_openai import ChatOpenAI',
    '',
    `model = ChatOpenAI(model="${connection.model}")  # reads OPENAI_BASE_URL and OPENAI_API_KEY`,
    'print(model.invoke("Hello").content)',
  ],
} as const;
