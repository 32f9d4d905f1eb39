import { startChild } from '../../../src/ipc/child.ts';
import { armOne, aroundFs, aroundUnary } from './crash-points.ts';

// Writes and shipments are batches, some dozens a second under load.
const POINTS = [
  aroundFs('journal: before the write', 'writeSync', 'before'),
  aroundFs('journal: written, nothing sent', 'writeSync', 'after'),
  aroundUnary('journal: before it is shipped', 'journal', 'before'),
  aroundUnary('journal: shipped, not yet noted', 'journal', 'after'),
];
armOne(POINTS, 3, 40);
startChild('vault', async (child) => (await import('../../../src/vault/serve.ts')).serveVault(child));
