/** Loads the program of every role once and starts none, so that the compile cache holds it (supervisor/code-cache.ts). */
import { flushCompileCache } from 'node:module';

await Promise.all([
  import('./gateway.ts'),
  import('./vault.ts'),
  import('./ledger.ts'),
  import('./auditor.ts'),
  import('./control.ts'),
  import('./sandbox.ts'),
  import('../gateway/serve.ts'),
  import('../vault/serve.ts'),
  import('../ledger/serve.ts'),
  import('../auditor/serve.ts'),
  import('../control/serve.ts'),
  import('../sandbox/serve.ts'),
]);
flushCompileCache();
process.exit(0);
