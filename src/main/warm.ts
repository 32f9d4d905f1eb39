/**
 * `warm.ts <role …>`: compiles the program of these roles once and starts none, so that the compile cache holds it under the flags of
 * this process (supervisor/code-cache.ts).
 */
import { flushCompileCache } from 'node:module';

/** Threads run when they are loaded: a neighbour that cannot be linked lets Node compile them and stop there. */
async function compileOnly(file: string): Promise<void> {
  const source = `import ${JSON.stringify(new URL(file, import.meta.url).href)}; import { nothingOfThisName } from 'node:fs';`;
  await import(`data:text/javascript,${encodeURIComponent(source)}`).catch((error: unknown) => {
    if (!(error instanceof SyntaxError)) throw error;
  });
}

const PROGRAMS: Readonly<Record<string, () => readonly Promise<unknown>[]>> = {
  gateway: () => [import('./gateway.ts'), import('../gateway/serve.ts')],
  vault: () => [import('./vault.ts'), import('../vault/serve.ts')],
  ledger: () => [
    import('./ledger.ts'),
    import('../ledger/serve.ts'),
    compileOnly('../ledger/writer-thread.ts'),
    compileOnly('../ledger/report-thread.ts'),
  ],
  auditor: () => [import('./auditor.ts'), import('../auditor/serve.ts')],
  control: () => [import('./control.ts'), import('../control/serve.ts')],
  sandbox: () => [import('./sandbox.ts'), import('../sandbox/serve.ts')],
  supervisor: () => [
    import('../supervisor/run.ts'),
    import('../supervisor/spec.ts'),
    compileOnly('./supervisor.ts'),
    compileOnly('./landlock.ts'),
  ],
};

const roles = process.argv.slice(2);
const unknown = roles.filter((role) => PROGRAMS[role] === undefined);
if (unknown.length > 0) throw new Error(`no program: ${unknown.join(', ')}`);
await Promise.all(roles.flatMap((role) => PROGRAMS[role]?.() ?? []));
flushCompileCache();
process.exit(0);
