import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command, Option } from 'commander';
import { buildProgram } from '../src/cli/program.ts';
import { EXIT } from '../src/cli/failure.ts';
import { bulkheadJsonSchema } from '../src/config/schema.ts';

/** Writes the reference of bulkhead.yaml and of the command line from the schema and the commands themselves. */

const FOLDER = fileURLToPath(new URL('../docs/reference/', import.meta.url));

/** A node of a JSON Schema, as far as this page shows it. */
interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly required?: readonly string[];
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** Longer lists have a page of their own. */
const MANY_WORDS = 12;

function typeOf(node: SchemaNode): string {
  if (node.const !== undefined) return `\`${String(node.const)}\``;
  if (node.enum !== undefined && node.enum.length > MANY_WORDS) return `one of ${node.enum.length} names`;
  if (node.enum !== undefined) return node.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (node.anyOf !== undefined) return node.anyOf.map(typeOf).join(' or ');
  if (node.type === 'array' && node.items?.properties !== undefined) return 'list of mappings';
  if (node.type === 'array') return `list of ${node.items === undefined ? 'values' : typeOf(node.items)}`;
  if (node.type === 'object' && node.properties !== undefined) {
    return node.anyOf === undefined ? `\`{ ${Object.keys(node.properties).join(', ')} }\`` : 'mapping';
  }
  if (node.type === 'object') return 'mapping by name';
  const bounds = node.minimum !== undefined && node.maximum !== undefined ? ` ${node.minimum}–${node.maximum}` : '';
  return `${node.type === 'integer' ? 'whole number' : node.type}${bounds}`;
}

const defaultOf = (node: SchemaNode, required: boolean): string =>
  required
    ? 'required'
    : node.default === undefined || isEmpty(node.default)
      ? ''
      : `\`${typeof node.default === 'string' ? node.default : JSON.stringify(node.default)}\``;

const isEmpty = (value: unknown): boolean => typeof value === 'object' && value !== null && Object.keys(value).length === 0;

function rows(node: SchemaNode): string {
  const lines = Object.entries(node.properties ?? {}).map(
    ([name, child]) =>
      `| \`${name}\` | ${cell(typeOf(child))} | ${cell(defaultOf(child, node.required?.includes(name) === true && child.default === undefined))} | ${cell(child.description ?? '')} |`,
  );
  return ['| key | value | default | meaning |', '|---|---|---|---|', ...lines].join('\n');
}

/** Sections for the mappings inside, in the file's order. */
function sections(node: SchemaNode, path: string): string[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const at = path === '' ? name : `${path}.${name}`;
    const inner = typeof child.additionalProperties === 'object' ? child.additionalProperties : (child.items ?? child);
    const title = inner === child ? at : inner === child.items ? `${at}[]` : `${at}.<name>`;
    return inner.properties === undefined
      ? []
      : [`## \`${title}\`\n\n${child.description ?? ''}\n\n${rows(inner)}\n`, ...sections(inner, title)];
  });
}

const EXAMPLE = `\`\`\`yaml
version: 1
listen: 0.0.0.0:4100
providers:
  openai: { kind: openai }
  local: { kind: vllm }
  aws: { kind: bedrock, region: eu-central-1 }
  azure: { kind: azure-openai, resource: corp-llm, pass_through: ["GET /v1/files", "GET /v1/batches/*"] }
models:
  fast: openai/gpt-5.6-mini
  best: [anthropic/claude-sonnet-4-5, aws/eu.anthropic.claude-sonnet-4-5-20250929-v1:0]
prices:
  - { provider: openai, model: gpt-5*, from: 2026-12-01, input: 1.1, cached_input: 0.11, output: 8.8 }
  - { provider: local, model: "*", input: 0.05, output: 0.2 }
discounts:
  - { provider: azure, percent: 12.5 }
margins:
  - { percent: 3 }
\`\`\``;

const NOTICE = '<!-- Made by tools/generate-config-docs.ts. Do not edit: change the source and run `npm run generate`. -->';

export function configPage(): string {
  const schema = bulkheadJsonSchema() as SchemaNode;
  return [
    NOTICE,
    '# bulkhead.yaml\n',
    `${schema.description ?? ''}\n`,
    'Check a file with `bulkhead config check`: it names file, line and remedy. Editors that know the YAML language server take the schema from a first line\n`# yaml-language-server: $schema=docs/reference/bulkhead.schema.json`.\n',
    `${EXAMPLE}\n`,
    '## Top level\n',
    `${rows(schema)}\n`,
    ...sections(schema, ''),
  ].join('\n');
}

const optionRow = (option: Option): string =>
  `| \`${option.flags}\` | ${cell(option.description)}${option.defaultValue === undefined ? '' : ` Default: \`${String(option.defaultValue)}\`.`} |`;

function commandSections(command: Command, path: string): string[] {
  const name = `${path} ${command.name()}`;
  const given = command.registeredArguments
    .map((argument) => (argument.required ? ` <${argument.name()}>` : ` [${argument.name()}]`))
    .join('');
  const options = command.options.filter(({ hidden, long }) => !hidden && !COMMON.has(long ?? ''));
  const table = options.length === 0 ? [] : ['| option | meaning |', '|---|---|', ...options.map(optionRow), ''];
  const isGroup = command.commands.length > 0 && command.registeredArguments.length === 0 && command.options.length === 0;
  const own = isGroup ? [] : [`## \`${name}${given}\`\n`, `${command.description()}.\n`, ...table];
  return [...own, ...command.commands.flatMap((child) => commandSections(child, name))];
}

const COMMON: ReadonlySet<string> = new Set(['--data', '--url', '--token-file', '--json']);

const COMMON_TEXT = `Every command takes

| option | meaning |
|---|---|
| \`--data <folder>\` | Data folder of the node. Default: \`data\`. |
| \`--url <address>\` | Admin API, such as \`http://127.0.0.1:4101\`. Default: the one of the data folder. |
| \`--token-file <file>\` | File with the admin token. Default: \`admin/token\` in the data folder. |
| \`--json\` | JSON on standard output, for programs; errors as JSON on standard error. The fields are those of the admin API. |

and ends with

| exit status | meaning |
|---|---|
| ${EXIT.ok} | Done. |
| ${EXIT.failed} | Understood, and refused or failed; or a check found a problem. |
| ${EXIT.unusable} | The command line is wrong, or no node answers. |
| ${EXIT.interrupted} | Interrupted at a question. |

An error says what happened, what to do next, its code (see errors.md) and the request id. Text on a terminal may be coloured; \`NO_COLOR\` turns that off. No secret is taken from the command line or printed, except a new virtual key, once.
`;

async function cliPage(): Promise<string> {
  const nowhere = { stdin: process.stdin, out: () => undefined, err: () => undefined, colour: false, width: 100, env: {}, cwd: '/' };
  const program = await buildProgram({
    terminal: nowhere,
    stores: () => Promise.resolve({}),
    codeCache: () => Promise.resolve(undefined),
    exitWith: () => undefined,
  });
  return [
    NOTICE,
    '# bulkhead, the command\n',
    COMMON_TEXT,
    ...program.commands.flatMap((command) => commandSections(command, 'bulkhead')),
  ].join('\n');
}

/** File name → text. */
export const pages = async (): Promise<Readonly<Record<string, string>>> => ({
  'config.md': configPage(),
  'bulkhead.schema.json': `${JSON.stringify(bulkheadJsonSchema(), null, 2)}\n`,
  'cli.md': await cliPage(),
});

if (import.meta.main) {
  fs.mkdirSync(FOLDER, { recursive: true });
  for (const [name, text] of Object.entries(await pages())) fs.writeFileSync(`${FOLDER}${name}`, text);
}
