import { startChild } from '../../../src/ipc/child.ts';
import { DatabaseSync } from 'node:sqlite';
import { armOne, type CrashPoint } from '../crash-points.ts';

/** Around the statement that ends a transaction. */
const aroundCommit = (name: string, when: 'before' | 'after'): CrashPoint => ({
  name,
  arm: (hit) => {
    const exec = DatabaseSync.prototype.exec;
    DatabaseSync.prototype.exec = function (sql) {
      const commits = /^\s*COMMIT/i.test(sql);
      if (commits && when === 'before') hit();
      exec.call(this, sql);
      if (commits && when === 'after') hit();
    };
  },
});

armOne([aroundCommit('ledger: before the commit', 'before'), aroundCommit('ledger: committed, not acknowledged', 'after')]);
startChild('ledger', async (child) => (await import('../../../src/ledger/serve.ts')).serveLedger(child));
