import { startChild } from '../../../src/ipc/child.ts';
import { armOne, aroundFs, aroundUnary } from '../crash-points.ts';

armOne([
  aroundFs('journal: before the write', 'writeSync', 'before'),
  aroundFs('journal: written, nothing sent', 'writeSync', 'after'),
  aroundUnary('journal: before it is shipped', 'journal', 'before'),
  aroundUnary('journal: shipped, not yet noted', 'journal', 'after'),
]);
startChild('vault', async (child) => (await import('../../../src/vault/serve.ts')).serveVault(child));
