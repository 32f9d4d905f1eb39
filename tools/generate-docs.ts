import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ERRORS, type ErrorRow } from '../src/core/errors.ts';
import { FIDELITY, type FidelityRow } from '../src/wire/fidelity.ts';

/** Reference pages that are made from code. `npm run generate` writes them, test/checks/docs.test.ts holds them to it. */

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');

const GENERATED = '<!-- Made by `npm run generate`; change the code it comes from. -->';

function errorsPage(): string {
  const rows = Object.entries<ErrorRow>(ERRORS).map(([code, { status, kind, message, remedy }]) => [
    `\`${code}\``,
    String(status),
    kind.replaceAll('_', ' '),
    message,
    remedy,
  ]);
  return [
    '# Errors',
    GENERATED,
    'Every refusal has a stable code. It comes in the body of the client’s own protocol (`error.code`; for the admin API with `remedy` and `request_id` beside it), and the answer carries `x-bulkhead-request-id`. Words in braces are filled in.',
    table(['code', 'status', 'kind', 'message', 'what to do'], rows),
    '',
  ].join('\n\n');
}

const PROTOCOL_NAMES = new Map([
  ['openai-chat', 'OpenAI chat completions'],
  ['anthropic-messages', 'Anthropic Messages'],
]);

function fidelitySection(list: readonly FidelityRow[]): readonly string[] {
  const [first] = list;
  if (first === undefined) return [];
  const [from, to] = [PROTOCOL_NAMES.get(first.from) ?? first.from, PROTOCOL_NAMES.get(first.to) ?? first.to];
  const title = first.side === 'request' ? `Requests: ${from} to ${to}` : `Answers: ${from} to ${to}`;
  const cells = list.map(({ field, fate, as, note }) => [`\`${field}\``, fate, as === undefined ? '' : `\`${as}\``, note ?? '']);
  return [`## ${title}`, table(['field', 'fate', 'becomes', 'note'], cells)];
}

function fidelityPage(): string {
  const groups = Object.values(Object.groupBy(FIDELITY, ({ side, from, to }) => `${side} ${from} ${to}`));
  return [
    '# What translation keeps',
    GENERATED,
    'Where client and provider speak the same protocol, bytes pass through and nothing is lost. Where they do not, this is what becomes of each field. *Kept* means the same there, *mapped* the nearest there is, *dropped* is left out. Dropped request fields are named in the answer’s `x-bulkhead-dropped`; with `x-bulkhead-strict` the request is refused instead. Translated numbers are read as IEEE 754 doubles: whole numbers beyond 2^53 lose digits, in tool arguments too unless they are streamed.',
    ...groups.flatMap((list) => fidelitySection(list ?? [])),
    '',
  ].join('\n\n');
}

/** Path below the root → text. */
export async function generatedDocs(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['docs/reference/errors.md', errorsPage()],
    ['docs/reference/fidelity.md', fidelityPage()],
  ]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [file, text] of await generatedDocs()) {
    fs.writeFileSync(path.join(ROOT, file), text);
    console.log(`wrote ${file}`);
  }
}
