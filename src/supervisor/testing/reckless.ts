import { startChild } from '../../ipc/child.ts';

/** An auditor whose program throws before it serves. */
startChild('auditor', () => {
  throw new Error('no such table');
});
