import { startChild } from '../ipc/child.ts';

if (import.meta.main) startChild('sandbox', async (child) => (await import('../sandbox/serve.ts')).serveSandbox(child));
