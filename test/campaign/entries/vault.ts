import { startChild } from '../../../src/ipc/child.ts';
import { Journal } from '../../../src/vault/journal.ts';
import { aroundFs, aroundMethod, aroundUnary, followPlan } from './crash-points.ts';

const isSegment = ([file]: readonly unknown[]): boolean => String(file).endsWith('.log');
const isNew = (args: readonly unknown[]): boolean => isSegment(args) && args[1] === 'wx';

const POINTS = [
  aroundFs('journal: before the write', 'writeSync', 'before'),
  aroundFs('journal: written, nothing sent', 'writeSync', 'after'),
  aroundMethod('egress: its start in the file, nothing sent', Journal, 'start', 'after'),
  aroundMethod('egress: answered, its end not in the journal', Journal, 'end', 'before'),
  aroundUnary('journal: before it is shipped', 'journal', 'before'),
  aroundUnary('journal: shipped, not yet noted', 'journal', 'after'),
  aroundFs('recovery: journal read, no new segment', 'openSync', 'before', isNew),
  aroundFs('recovery: new segment, nothing shipped', 'openSync', 'after', isNew),
  aroundUnary('recovery: what was left shipped, not noted', 'journal', 'after'),
  aroundFs('recovery: old segment shipped, still there', 'unlinkSync', 'before', isSegment),
  aroundFs('recovery: old segment deleted', 'unlinkSync', 'after', isSegment),
];

startChild('vault', async (child) => {
  followPlan(child, POINTS);
  await (await import('../../../src/vault/serve.ts')).serveVault(child);
});
