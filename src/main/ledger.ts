import { startChild } from '../ipc/child.ts';

if (import.meta.main) startChild('ledger', async (child) => (await import('../ledger/serve.ts')).serveLedger(child));
