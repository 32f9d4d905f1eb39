import { startChild } from '../ipc/child.ts';

if (import.meta.main) startChild('gateway', async (child) => (await import('../gateway/serve.ts')).serveGateway(child));
