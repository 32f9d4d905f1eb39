import path from 'node:path';
import type { BackupFiles } from '../../../api/node.ts';
import { BulkheadError } from '../../../core/errors.ts';
import type { PermitFor } from '../../acts.ts';
import type { ControlDeps } from '../../deps.ts';
import type { Handlers } from '../../http/router.ts';
import { askLedger } from '../usage/service.ts';

/** Each process copies its own files into its own folder; whoever may read all folders collects them. */
export const backupRoutes = (deps: ControlDeps): Handlers<'backup.create'> => ({
  'backup.create': async ({ by }) => {
    const name = `backup-${new Date(deps.clock.now()).toISOString().replace(/[^0-9]/g, '')}`;
    const permit = await deps.authority.permit(by, 'backup.create', `backup/${name}`);
    return { name, files: await writeCopies(deps, permit, name) };
  },
});

async function writeCopies(
  { store, boot, ledger, auditor, vaults }: ControlDeps,
  _permit: PermitFor<'backup.create'>,
  name: string,
): Promise<BackupFiles['files']> {
  const [database, log] = [`${name}.db`, `${name}.log`];
  // The log before the database: with a note in it that is newer, what is restored would look like a database of before.
  await auditor.backup(log).catch((cause: unknown) => {
    throw new BulkheadError('audit_unavailable', {}, { cause });
  });
  store.copyTo(path.join(boot.folder, database));
  await askLedger(ledger, { op: 'backup', fileName: database });
  return [
    { process: 'control', file: database, temporary: true },
    { process: 'ledger', file: `backups/${database}`, temporary: true },
    { process: 'auditor', file: log, temporary: true },
    // Sealed records are whole files that are replaced as a whole, so the folder can be read while it is in use.
    ...Array.from({ length: vaults.shards }, (_, shard) => ({ process: `vault-${shard}`, file: './', temporary: false })),
  ];
}
