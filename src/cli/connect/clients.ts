import path from 'node:path';
import type { ConnectClient, Connection, Home } from './connection.ts';
import { mergeEnv } from './env-settings.ts';
import { mergeJson } from './json-settings.ts';
import { SNIPPETS } from './snippets.ts';
import { mergeToml } from './toml-settings.ts';

const underHome = ({ folder, env }: Home, variable: string, usual: string): string => env[variable] ?? path.join(folder, usual);

/** https://code.claude.com/docs/en/settings: `env` of the user's settings is set for every session. */
const claudeCode: ConnectClient = {
  name: 'claude-code',
  title: 'Claude Code',
  dialect: 'anthropic-messages',
  files: (home) => {
    const file = path.join(underHome(home, 'CLAUDE_CONFIG_DIR', '.claude'), 'settings.json');
    return [{ path: file, edit: (before, connection) => mergeJson(file, before, 'env', claudeVariables(connection)) }];
  },
  steps: () => [
    'Restart Claude Code: it reads its settings when it starts.',
    'ANTHROPIC_API_KEY in your shell, or a login, would win over the key here; `/status` inside Claude Code shows what it uses.',
  ],
};

const claudeVariables = ({ gateway, key, model, smallModel }: Connection): Readonly<Record<string, string>> => ({
  ANTHROPIC_BASE_URL: gateway,
  ANTHROPIC_AUTH_TOKEN: key,
  ANTHROPIC_MODEL: model,
  ANTHROPIC_DEFAULT_OPUS_MODEL: model,
  ANTHROPIC_DEFAULT_SONNET_MODEL: model,
  ANTHROPIC_DEFAULT_HAIKU_MODEL: smallModel,
});

const CODEX_KEY = 'BULKHEAD_API_KEY';

/** https://developers.openai.com/codex/config-reference; the key goes into Codex's own `.env`, which it reads at its start. */
const codex: ConnectClient = {
  name: 'codex',
  title: 'Codex',
  dialect: 'openai-responses',
  files: (home) => {
    const folder = underHome(home, 'CODEX_HOME', '.codex');
    const file = path.join(folder, 'config.toml');
    return [
      {
        path: file,
        edit: (before, { gateway, model }) =>
          mergeToml(file, before, [
            { table: null, values: { model, model_provider: 'bulkhead' } },
            {
              table: 'model_providers.bulkhead',
              values: { name: 'Bulkhead', base_url: `${gateway}/v1`, env_key: CODEX_KEY, wire_api: 'responses' },
            },
          ]),
      },
      { path: path.join(folder, '.env'), edit: (before, { key }) => mergeEnv(before, CODEX_KEY, key) },
    ];
  },
  steps: () => [`Restart Codex: it reads its settings when it starts. ${CODEX_KEY} in your shell would win over the file.`],
};

const isLoopback = (gateway: string): boolean => /^(localhost|127\.|\[::1\])/.test(new URL(gateway).hostname);

/** Cursor keeps its settings in a database of its own, and its servers make the requests. */
const cursor: ConnectClient = {
  name: 'cursor',
  title: 'Cursor',
  dialect: 'openai-chat',
  files: () => [],
  steps: ({ gateway, key, model }) => [
    'Cursor’s settings cannot be written by a program. In Cursor: Settings → Models → API Keys:',
    `  OpenAI API Key             ${key}`,
    `  Override OpenAI Base URL   ${gateway}/v1`,
    `  Add model                  ${model}`,
    ...(isLoopback(gateway)
      ? [
          'Cursor’s own servers make the requests, so the gateway must be reachable from the internet by https; name that address with --gateway.',
        ]
      : []),
  ],
};

const library = (name: keyof typeof SNIPPETS, title: string): ConnectClient => ({
  name,
  title,
  dialect: 'openai-chat',
  files: () => [],
  steps: SNIPPETS[name],
});

export const CLIENTS: readonly ConnectClient[] = [
  claudeCode,
  codex,
  cursor,
  library('openai-sdk', 'the OpenAI SDK'),
  library('ai-sdk', 'the Vercel AI SDK'),
  library('langchain', 'LangChain'),
];
