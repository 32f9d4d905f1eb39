import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ERRORS, type ErrorRow } from '../src/core/errors.ts';

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

/** Path below the root → text. */
export async function generatedDocs(): Promise<ReadonlyMap<string, string>> {
  return new Map([['docs/reference/errors.md', errorsPage()]]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [file, text] of await generatedDocs()) {
    fs.writeFileSync(path.join(ROOT, file), text);
    console.log(`wrote ${file}`);
  }
}
