import { startChild } from '../ipc/child.ts';

if (import.meta.main) startChild('auditor', async (child) => (await import('../auditor/serve.ts')).serveAuditor(child));
