import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { UNEQUAL } from '../test/conformance/known-differences.ts';
import { computeMatrix, type Matrix, type MatrixCell, type MatrixRow } from '../test/conformance/matrix.ts';

/** Writes docs/reference/conformance.md from the recorded traffic; test/conformance/matrix.test.ts holds the page to it. */

export const PAGE = fileURLToPath(new URL('../docs/reference/conformance.md', import.meta.url));

const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map(line).join('\n');

const shown = (cell: MatrixCell): string =>
  cell === 'bytes' ? 'bytes' : cell.equal === cell.total ? String(cell.total) : `${cell.equal} of ${cell.total}`;

function totals(rows: readonly MatrixRow[]): readonly string[] {
  return (rows[0]?.cells ?? []).map((_, index) => {
    const cells = rows.map(({ cells: own }) => own[index]).filter((cell) => cell !== undefined && cell !== 'bytes');
    return shown({ equal: cells.reduce((sum, { equal }) => sum + equal, 0), total: cells.reduce((sum, { total }) => sum + total, 0) });
  });
}

export function conformancePage({ clients, rows, others }: Matrix): string {
  const head = ['provider', 'its protocol', 'whole answers', 'streams', ...clients.map((name) => `\`${name}\``)];
  const sum = (count: (row: MatrixRow) => number): string => String(rows.reduce((total, row) => total + count(row), 0));
  return [
    '# Proved on recorded traffic',
    '<!-- Made by `npm run generate`; change the code it comes from. -->',
    'Every row is a provider whose answers were recorded, every column a client. A number says for how many recorded answers the client, given our translation, hands its user the same text, tool calls (id, name, arguments), reasoning, reason to stop and token counts that the *provider’s own client* reads from the recorded bytes; where the provider’s client refuses a stream, so must this one. *bytes*: client and provider speak the same protocol, and the provider’s bytes pass untouched.',
    table(head, [
      ...rows.map((row) => [row.provider, row.protocol, String(row.answers), String(row.streams), ...row.cells.map(shown)]),
      ['all', '', sum(({ answers }) => answers), sum(({ streams }) => streams), ...totals(rows)],
    ]),
    '`ai` over `@ai-sdk/openai` (chat) never shows reasoning, so none is looked for there. Not compared: the mark that stands in a text for a picture or recording that the client’s protocol cannot show, ids of tool calls that the provider left out, arguments that are not JSON, a reason to stop where the provider gave none, and counts of reasoning tokens that only one of the two clients shows.',
    ...(others.length === 0 ? [] : [`Recorded, but not in conversation: ${others.join(', ')}.`]),
    ...(UNEQUAL.length === 0
      ? []
      : [
          '## What is read otherwise',
          table(
            ['recorded answer', 'reason'],
            UNEQUAL.map((row) => [`\`${row.case}\``, row.reason]),
          ),
        ]),
    '',
  ].join('\n\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  fs.writeFileSync(PAGE, conformancePage(await computeMatrix()));
  console.log('wrote docs/reference/conformance.md');
}
