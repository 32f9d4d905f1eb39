import fs from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { formatProblem, type BulkheadConfig, type ConfigProblem } from '../../config/config.ts';
import type { PriceTable } from '../../accounting/price-table.ts';
import type { Result } from '../../core/result.ts';
import { clientOf, present, withCommon, type CliContext, type CommonOptions } from '../context.ts';
import { CliFailure, EXIT, systemCode } from '../failure.ts';
import { moment } from '../table.ts';
import { styled } from '../terminal.ts';

export const DEFAULT_CONFIG = 'bulkhead.yaml';

/** `bulkhead config`: judge a file, show what is in effect, print the schema. */
export function configCommand(context: CliContext): Command {
  const config = new Command('config').description('check, show or describe the configuration');
  config.addCommand(
    withCommon(
      new Command('check')
        .description('check a configuration file without starting anything')
        .argument('[file]', 'the file', DEFAULT_CONFIG),
    ).action(async (file: string, options: CommonOptions) => check(context, file, options)),
  );
  config.addCommand(
    withCommon(new Command('show').description('show the configuration that the node serves by')).action(async (options: CommonOptions) =>
      present(
        context,
        options,
        await clientOf(context, options).call('config.show'),
        ({ source, version, applied_at, problems, effective }) => {
          const head = `# from ${source ?? 'the defaults, no file'}, version ${version}${applied_at === null ? '' : `, since ${moment(applied_at)}`}\n`;
          const refused = problems.map((problem) => `# NOT APPLIED ${formatProblem(problem).replaceAll('\n', '\n# ')}\n`).join('');
          return `${head}${refused}${JSON.stringify(effective, null, 2)}\n`;
        },
      ),
    ),
  );
  config.addCommand(
    withCommon(new Command('schema').description('print the JSON Schema of bulkhead.yaml, for editors')).action(async () => {
      const { bulkheadJsonSchema } = await import('../../config/schema.ts');
      context.terminal.out(`${JSON.stringify(bulkheadJsonSchema(), null, 2)}\n`);
    }),
  );
  return config;
}

/** Reads and judges a file; loads the YAML parser and the schema only now. */
export async function loadConfigFile(
  file: string,
  shown: string,
  missing = 'Name another with --config, or leave it out to start with the defaults.',
): Promise<Result<BulkheadConfig, readonly ConfigProblem[]>> {
  const { loadConfig } = await import('../../config/load.ts');
  return loadConfig(readText(file, shown, missing), shown);
}

/** The same for a prices file. */
export async function loadPricesFile(file: string, shown: string): Promise<Result<PriceTable, readonly ConfigProblem[]>> {
  const { loadPriceFile } = await import('../../config/price-file.ts');
  return loadPriceFile(
    readText(file, shown, 'A path under `prices_file` is relative to the configuration file; check it and the rights.'),
    shown,
  );
}

export function readText(file: string, shown: string, remedy: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(fs.readFileSync(file));
  } catch (cause) {
    const code = systemCode(cause);
    const reason =
      code === 'ENOENT'
        ? 'does not exist'
        : code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
          ? 'is not UTF-8 text'
          : `cannot be read (${code ?? 'unknown reason'})`;
    throw new CliFailure(
      {
        code: 'config_unreadable',
        message: `${shown} ${reason}.`,
        remedy,
        exit: EXIT.unusable,
      },
      { cause },
    );
  }
}

async function check(context: CliContext, file: string, options: CommonOptions): Promise<void> {
  const { terminal } = context;
  const at = path.resolve(terminal.cwd, file);
  const loaded = await loadConfigFile(at, file, 'Name another: bulkhead config check FILE.');
  const prices = loaded.ok && loaded.value.node.pricesFile !== null ? loaded.value.node.pricesFile : undefined;
  const table = prices === undefined ? undefined : await loadPricesFile(path.resolve(path.dirname(at), prices), prices);
  const problems = [...(loaded.ok ? [] : loaded.error), ...(table === undefined || table.ok ? [] : table.error)];
  if (problems.length > 0) context.exitWith(EXIT.failed);
  present(context, options, { file, valid: problems.length === 0, problems }, () =>
    problems.length === 0
      ? `${styled(terminal, 'green', '✓')} ${file} is valid.\n`
      : `${problems.map(formatProblem).join('\n')}\n\n${problems.length} ${problems.length === 1 ? 'problem' : 'problems'} in ${file}.\n`,
  );
}
