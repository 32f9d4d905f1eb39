import { CODE_FOLDER } from '../cli/node-start.ts';
import { runCli } from '../cli/run.ts';
import { processTerminal } from '../cli/terminal.ts';

/** Which files hold what, for `backup` and `restore`: known to the processes that own them, loaded only when asked for. */
const stores = async () => {
  const [control, ledger] = await Promise.all([import('../control/database.ts'), import('../ledger/schema.ts')]);
  return {
    control: { file: control.DATABASE_FILE, schema: control.MIGRATIONS.length },
    ledger: { file: ledger.DATABASE_FILE, schema: ledger.MIGRATIONS.length },
    auditor: { file: 'control.log', schema: null },
  };
};

/** The supervisor starts from the cache of its node. */
const codeCache = async (folder: string) => (await import('../supervisor/code-cache.ts')).ownCodeCache(folder, CODE_FOLDER);

process.exitCode = await runCli(process.argv.slice(2), { terminal: processTerminal(), stores, codeCache });
