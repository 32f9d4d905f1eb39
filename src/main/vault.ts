import { startChild } from '../ipc/child.ts';

if (import.meta.main) startChild('vault', async (child) => (await import('../vault/serve.ts')).serveVault(child));
