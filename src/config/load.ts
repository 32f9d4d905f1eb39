import type { z } from 'zod';
import { fail, ok, type Result } from '../core/result.ts';
import type { BulkheadConfig, ConfigProblem } from './config.ts';
import { parseConfigDocument, type Complain, type ConfigDocument, type Path, type Place } from './document.ts';
import { resolveConfig } from './resolve.ts';
import { configSchema } from './schema.ts';
import { schemaProblems } from './schema-problems.ts';
import { findSecrets } from './secret-shapes.ts';

/**
 * Reads bulkhead.yaml: text → frozen configuration, or every problem found, in the file's order.
 * Secrets are looked for first and in the raw text, so that no later message can quote one.
 */
export function loadConfig(text: string, fileName: string): Result<BulkheadConfig, readonly ConfigProblem[]> {
  const secrets = secretProblems(text, fileName);
  if (secrets.length > 0) return fail(secrets);
  const parsed = parseConfigDocument(text, fileName);
  if (!parsed.ok) return parsed;
  const document = parsed.value;
  const checked = configSchema.safeParse(document.value);
  if (!checked.success) return fail(inOrder(schemaProblems(checked.error.issues as readonly z.core.$ZodIssue[], document)));
  const problems: ConfigProblem[] = [];
  const config = resolveConfig(checked.data, fileName, complainInto(problems, document));
  return problems.length > 0 ? fail(inOrder(problems)) : ok(freeze(config));
}

function complainInto(problems: ConfigProblem[], document: ConfigDocument): Complain {
  return (path: Path, reason: string, remedy: string) => void problems.push({ ...document.placeOf(path), reason, remedy });
}

function secretProblems(text: string, file: string): readonly ConfigProblem[] {
  return findSecrets(text).map(({ what, offset }) => ({
    ...placeIn(text, file, offset),
    reason: `this looks like ${what}`,
    remedy:
      'No secret belongs in this file. Remove it, add it with: bulkhead credential add <name>, and replace it at the provider if the file was shared.',
  }));
}

function placeIn(text: string, file: string, offset: number): Place {
  const before = text.slice(0, offset).split('\n');
  return { file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** The configuration of a node without a file. */
export function defaultConfig(): BulkheadConfig {
  const config = resolveConfig(configSchema.parse({ version: 1 }), 'defaults', (_, reason) => {
    throw new Error(`the defaults are not valid: ${reason}`);
  });
  return freeze({ ...config, file: null });
}

const inOrder = (problems: readonly ConfigProblem[]): readonly ConfigProblem[] =>
  [...problems].sort((a, b) => a.line - b.line || a.column - b.column);

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) freeze(inner);
    Object.freeze(value);
  }
  return value;
}
