/** Compiles the program of every process once and starts none, so that the compile cache holds it (supervisor/code-cache.ts). */
import { flushCompileCache } from 'node:module';

/** Threads run when they are loaded: a neighbour that cannot be linked lets Node compile them and stop there. */
async function compileOnly(file: string): Promise<void> {
  const source = `import ${JSON.stringify(new URL(file, import.meta.url).href)}; import { nothingOfThisName } from 'node:fs';`;
  await import(`data:text/javascript,${encodeURIComponent(source)}`).catch((error: unknown) => {
    if (!(error instanceof SyntaxError)) throw error;
  });
}

await Promise.all([
  import('./gateway.ts'),
  import('./vault.ts'),
  import('./ledger.ts'),
  import('./auditor.ts'),
  import('./control.ts'),
  import('./sandbox.ts'),
  import('../supervisor/run.ts'),
  import('../supervisor/spec.ts'),
  import('../gateway/serve.ts'),
  import('../vault/serve.ts'),
  import('../ledger/serve.ts'),
  import('../auditor/serve.ts'),
  import('../control/serve.ts'),
  import('../sandbox/serve.ts'),
  compileOnly('../ledger/writer-thread.ts'),
  compileOnly('../ledger/report-thread.ts'),
  compileOnly('./supervisor.ts'),
  compileOnly('./landlock.ts'),
]);
flushCompileCache();
process.exit(0);
