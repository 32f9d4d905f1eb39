import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { CliFailure } from '../failure.ts';

/** Sets members of the object under `member`, keeping everything else of the file: other members, their order, the indentation. */
export function mergeJson(file: string, before: string | undefined, member: string, values: Readonly<Record<string, string>>): string {
  const whole = before === undefined || before.trim() === '' ? {} : parsed(file, before);
  const inner = whole[member] ?? {};
  if (!isJsonObject(inner)) throw cannotMerge(file, `\`${member}\` is not an object`);
  const merged: JsonObject = { ...whole, [member]: { ...inner, ...values } };
  return `${JSON.stringify(merged, null, indentOf(before))}\n`;
}

function parsed(file: string, text: string): JsonObject {
  try {
    // A byte order mark is no part of the text (RFC 8259, 8.1).
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
    if (isJsonObject(value)) return value;
  } catch (cause) {
    throw cannotMerge(file, 'it is not plain JSON (a comment, perhaps)', cause);
  }
  throw cannotMerge(file, 'it is not a JSON object');
}

const cannotMerge = (file: string, why: string, cause?: unknown): CliFailure =>
  new CliFailure(
    {
      code: 'settings_unreadable',
      message: `${file} cannot be changed safely: ${why}.`,
      remedy: 'Put the settings in by hand: bulkhead connect with --dry-run shows them for an empty file; see docs/clients.',
    },
    { cause },
  );

const indentOf = (before: string | undefined): string => /^\s*\{\r?\n([ \t]+)/.exec(before ?? '')?.[1] ?? '  ';
