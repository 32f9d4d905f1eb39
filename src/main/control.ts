import { startChild } from '../ipc/child.ts';

if (import.meta.main) startChild('control', async (child) => (await import('../control/serve.ts')).serveControl(child));
