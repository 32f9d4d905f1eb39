import { startChild } from '../../ipc/child.ts';

/** A ledger that says it cannot serve. */
startChild('ledger', (child) => child.failed('the disk is made of cheese'));
