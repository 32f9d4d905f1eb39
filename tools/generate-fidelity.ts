import { computeFidelity, nameOf, targetsOf, type Fate, type FidelityRow, type Side } from '../test/conformance/fidelity.ts';
import type { ProbeSet } from '../test/conformance/probes/probe.ts';
import { PROBES } from '../test/conformance/probes/registry.ts';

/** The page of what translation keeps, made by translating a small request or answer for every field. */

const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map(line).join('\n');
const code = (paths: readonly string[]): string => paths.map((path) => `\`${path}\``).join(', ');

function shown(fate: Fate, field: string): string {
  if (fate.kind === 'kept') return code(fate.as);
  if (fate.kind === 'silent') return 'not said';
  const own = fate.reported.length === 0 || fate.reported.includes(nameOf(field));
  const dropped = own ? '*dropped*' : `*dropped* as ${code(fate.reported)}`;
  return fate.kind === 'dropped' ? dropped : `${code(fate.as)}; else ${dropped}`;
}

function notesOf(rows: readonly FidelityRow[], { [rows[0]?.side ?? 'request']: { notes } }: ProbeSet): readonly string[] {
  return rows.flatMap(({ field, probe, fates }) => {
    const silent = fates.flatMap(([to, { kind }]) =>
      kind === 'silent' ? [[to, probe.silent?.[to] ?? probe.silent?.all ?? ''] as const] : [],
    );
    const reasons = Map.groupBy(silent, ([, reason]) => reason);
    const own = Object.entries(notes[field] ?? {}).filter(([to]) => fates.some(([target]) => target === to));
    return [
      ...own.map(([to, note]) => `- \`${field}\` at ${to}: ${note}`),
      ...[...reasons].map(([reason, targets]) => `- \`${field}\` at ${targets.map(([to]) => to).join(', ')} is not said: ${reason}`),
    ];
  });
}

function section(side: Side, set: ProbeSet, all: readonly FidelityRow[]): readonly string[] {
  const rows = all.filter((row) => row.side === side && row.from === set.protocol);
  const targets = targetsOf(side, set);
  if (targets.length === 0) return [];
  const notes = notesOf(rows, set);
  return [
    side === 'request' ? `## Requests of ${set.title} clients` : `## Answers of ${set.title} providers`,
    table(
      ['field', ...targets.map(({ id }) => `in ${id}`)],
      rows.map(({ field, fates }) => [`\`${field}\``, ...fates.map(([, fate]) => shown(fate, field))]),
    ),
    ...(notes.length === 0 ? [] : [notes.join('\n')]),
  ];
}

export function fidelityPage(): string {
  const rows = computeFidelity();
  return [
    '# What translation keeps',
    '<!-- Made by `npm run generate`; change the code it comes from. -->',
    'Where client and provider speak the same protocol, bytes pass through and nothing is lost. Where they do not, this is what becomes of each field: the members of the translated request or answer that are there because of it, or *dropped* where there are none. Dropped request fields are named in the answer’s `x-bulkhead-dropped`; with `x-bulkhead-strict` the request is refused instead. Fields that are not in the table are dropped and named. What follows a field in brackets is a condition.',
    'Every cell was found by translating a request or an answer with the field and one without it, with the models that the tests name; models of other generations may take more or less. Translated numbers are read as IEEE 754 doubles: whole numbers beyond 2^53 lose digits, in tool arguments too unless they are streamed.',
    ...PROBES.flatMap((set) => [...section('request', set, rows), ...section('answer', set, rows)]),
    '',
  ].join('\n\n');
}
